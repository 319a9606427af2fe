import { existsSync } from 'node:fs'
import type { Platform } from './platform.ts'

/** On every Mac and on nothing else. Not `process.platform`: what is chosen is to be tried without a Mac as well. */
const MACOS = '/System/Library/CoreServices/SystemVersion.plist'

/** The platform of this host: the one place where it is chosen. */
export async function choosePlatform(): Promise<Platform> {
  if (existsSync(MACOS)) return (await import('./darwin/darwin.ts')).darwin
  return (await import('./nixos/nixos.ts')).nixos
}
