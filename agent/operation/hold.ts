import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Hold } from '../../shared/api/hold.ts'
import { durableWrite, syncDirectory } from '../journal/durable-write.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'

/** What keeps activations back; null where nothing does. What cannot be read keeps them back as well. */
export async function readHold(stateDirectory: string): Promise<Hold | null> {
  const at = file(stateDirectory)
  const text = await readFile(at, 'utf8')
    .catch(ignoreMissing(null))
    .catch(() => '')
  return text === null ? null : (parseHold(text) ?? unreadable(at))
}

/** A hold from its file; null where it is none. */
export function parseHold(text: string): Hold | null {
  try {
    const { reason, principal, at, operation } = JSON.parse(text) as Record<string, unknown>
    if (typeof reason !== 'string' || typeof principal !== 'string' || typeof at !== 'string') return null
    return { reason, principal, at, operation: typeof operation === 'string' ? operation : null }
  } catch {
    return null
  }
}

/** Puts the host on hold, durably. */
export async function putHold(stateDirectory: string, hold: Hold): Promise<void> {
  await durableWrite(file(stateDirectory), `${JSON.stringify(hold)}\n`)
}

/** Lets activations in again; true where they were kept back. */
export async function releaseHold(stateDirectory: string): Promise<boolean> {
  const held = (await readHold(stateDirectory)) !== null
  await rm(file(stateDirectory), { force: true })
  await syncDirectory(dirname(file(stateDirectory)))
  return held
}

const file = (stateDirectory: string) => join(stateDirectory, 'hold.json')

const unreadable = (at: string): Hold => ({
  reason: `${at} cannot be read; whoever put the host on hold may know why`,
  principal: 'unknown',
  at: new Date(0).toISOString(),
  operation: null
})
