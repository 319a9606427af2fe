import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import type { DesiredRequest } from '../../shared/api/desired.ts'
import { Desired } from '../../shared/api/desired.ts'
import { durableWrite } from '../../shared/durable-write.ts'
import { BelayError } from '../../shared/errors.ts'
import { isTimeZone } from '../../shared/window.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'

/** The desired state as it is kept, with what was there before it. */
export interface Kept {
  readonly desired: Desired
  /** The newest operation when it was taken in: identities sort, so what is newer came after. */
  readonly after: string | null
}

const file = (stateDirectory: string) => join(stateDirectory, 'desired.json')

/** What is kept; null where nothing ever was. Throws `journal-corrupt` for a file that cannot be read. */
export async function readDesired(stateDirectory: string): Promise<Kept | null> {
  const at = file(stateDirectory)
  const text = await readFile(at, 'utf8').catch(ignoreMissing(null))
  if (text === null) return null
  try {
    const { desired, after } = JSON.parse(text) as { desired: unknown; after: unknown }
    if (Value.Check(Desired, desired) && (after === null || typeof after === 'string'))
      return { desired, after }
    throw new Error('not a desired state')
  } catch (cause) {
    const wanted = `a person who looks, and removes ${at}: then its revision is forgotten too`
    throw new BelayError('journal-corrupt', `${at} is unreadable`, { cause, at, wanted })
  }
}

/** Makes it durable, the revision with it. */
export async function writeDesired(stateDirectory: string, kept: Kept): Promise<void> {
  await durableWrite(file(stateDirectory), `${JSON.stringify(kept, null, 2)}\n`)
}

/**
 * Judges a request against what is kept: true where it is the same again. Throws `desired-older` for a revision that
 * was passed or taken back, and `desired-conflict` for another content under the same one.
 */
export function isSameAgain(kept: Kept | null, request: DesiredRequest): boolean {
  if (kept === null || request.revision > kept.desired.revision) return false
  const { revision, withdrawn } = kept.desired
  const wanted = `a revision above ${revision}`
  if (request.revision < revision || withdrawn !== null) {
    const what = withdrawn === null ? 'is kept' : 'was taken back'
    const text = `revision ${revision} ${what}; ${request.revision} does not come after it`
    throw new BelayError('desired-older', text, { found: request.revision, wanted, at: 'revision' })
  }
  if (contentOf(kept.desired) === contentOf(request)) return true
  const text = `revision ${revision} is kept already, and says something else`
  throw new BelayError('desired-conflict', text, { found: request.revision, wanted, at: 'revision' })
}

/** Throws `desired-older` for an activation under a revision that was passed. */
export function assertNotOlder(kept: Kept | null, revision: number): void {
  if (kept === null || revision >= kept.desired.revision) return
  const text = `revision ${kept.desired.revision} is kept; ${revision} is older`
  const wanted = `revision ${kept.desired.revision}, or above`
  throw new BelayError('desired-older', text, { found: revision, wanted, at: 'revision' })
}

/** What a revision stands for. The approval that came with it, and who asked, are no part of it. */
function contentOf(wanted: DesiredRequest | Desired): string {
  const { storePath, confirm, mode, windows, planHash, again, reason } = wanted
  const { by, windowSeconds } = confirm
  return JSON.stringify([storePath, by, windowSeconds, mode, windows, planHash, again, reason])
}

/** Refuses a window in a zone that does not exist: `invalid-request`. */
export function assertZones({ windows = [] }: DesiredRequest): void {
  for (const [i, { timeZone }] of windows.entries()) {
    if (isTimeZone(timeZone)) continue
    const at = `windows.${i}.timeZone`
    const wanted = 'an IANA time zone, such as Europe/Berlin'
    const text = `no time zone ${JSON.stringify(timeZone)}`
    throw new BelayError('invalid-request', text, { found: timeZone, wanted, at })
  }
}
