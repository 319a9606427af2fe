import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DesiredPending } from '../../shared/api/desired.ts'
import { durableWrite } from '../../shared/durable-write.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'

/** How far the host has come with one revision; written when it changes. */
export interface Progress {
  readonly revision: number
  readonly reachedAt: string | null
  readonly pending: DesiredPending | null
}

const file = (stateDirectory: string) => join(stateDirectory, 'desired-progress.json')

/** What is known of a revision. Nothing, where the file is of another one, is not there or cannot be read. */
export async function readProgress(stateDirectory: string, revision: number): Promise<Progress> {
  const fresh = { revision, reachedAt: null, pending: null }
  const text = await readFile(file(stateDirectory), 'utf8').catch(ignoreMissing(null))
  try {
    const found = text === null ? null : (JSON.parse(text) as Progress)
    return found?.revision === revision ? found : fresh
  } catch {
    return fresh
  }
}

export async function writeProgress(stateDirectory: string, progress: Progress): Promise<void> {
  await durableWrite(file(stateDirectory), `${JSON.stringify(progress)}\n`)
}

/** What is found now, dated: it began when it was first found with the same code. */
export function dated(
  found: Omit<DesiredPending, 'since'>,
  before: DesiredPending | null,
  now: string
): DesiredPending {
  return { ...found, since: before?.code === found.code ? before.since : now }
}
