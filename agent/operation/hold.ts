import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hold } from '../../shared/api/hold.ts'
import { durableFolder, durableWrite, syncDirectory } from '../../shared/durable-write.ts'
import type { Clock } from '../clock.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import type { Accepted } from './events.ts'

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

/** The hold of one host: activations are kept back while it stands. */
export class Holds {
  readonly #stateDirectory: string
  readonly #clock: Clock

  constructor(stateDirectory: string, clock: Clock) {
    this.#stateDirectory = stateDirectory
    this.#clock = clock
  }

  read(): Promise<Hold | null> {
    return readHold(this.#stateDirectory)
  }

  /** Keeps activations back until the release, durably. An operation on its way goes on. */
  async put(reason: string, principal: string, operation: string | null = null): Promise<Hold> {
    const hold = { reason, principal, at: this.#clock.now().at, operation }
    await durableFolder(this.#stateDirectory)
    await durableWrite(file(this.#stateDirectory), `${JSON.stringify(hold)}\n`)
    return hold
  }

  /** Lets activations in again; gives what kept them back. */
  async release(): Promise<Hold | null> {
    const hold = await this.read()
    if (hold === null) return null
    await rm(file(this.#stateDirectory), { force: true })
    await syncDirectory(this.#stateDirectory)
    return hold
  }

  /** Nobody is to push over an emergency rollback. A hold that stands stays; where none can be written it goes on. */
  async afterRollback({
    id,
    principal,
    reason
  }: Pick<Accepted, 'id' | 'principal' | 'reason'>): Promise<void> {
    if ((await this.read()) !== null) return
    const text = `emergency rollback${reason === null ? '' : `: ${reason}`}`
    await this.put(text, principal, id).catch(() => {})
  }
}

const file = (stateDirectory: string) => join(stateDirectory, 'hold.json')

const unreadable = (at: string): Hold => ({
  reason: `${at} cannot be read; whoever put the host on hold may know why`,
  principal: 'unknown',
  at: new Date(0).toISOString(),
  operation: null
})
