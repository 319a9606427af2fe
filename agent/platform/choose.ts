import { existsSync } from 'node:fs'
import { BelayError } from '../../shared/errors.ts'
import type { MissableCommand, Platform } from './platform.ts'

/** On every Mac and on nothing else. Not `process.platform`: what is chosen is to be tried without a Mac as well. */
const MACOS = '/System/Library/CoreServices/SystemVersion.plist'

/** The platform of this host: the one place where it is chosen. */
export async function choosePlatform(): Promise<Platform> {
  if (existsSync(MACOS)) return (await import('./darwin/darwin.ts')).darwin
  return (await import('./nixos/nixos.ts')).nixos
}

/** Throws `not-on-this-platform`, with what to do instead, for a command that this platform lacks. */
export async function assertCommand(command: MissableCommand): Promise<void> {
  const instead = (await choosePlatform()).missing[command]
  if (instead === undefined) return
  const text = `belay-agent ${command} is not there on this platform. Instead, ${instead}`
  throw new BelayError('not-on-this-platform', text, { found: command, wanted: instead })
}
