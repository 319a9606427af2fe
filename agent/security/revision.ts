import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProfileName } from '../../shared/api/profile.ts'
import { durableFolder, durableWrite } from '../../shared/durable-write.ts'
import { BelayError } from '../../shared/errors.ts'
import { profileDirectory } from '../operation/profiles.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'

/** The highest revision that approvals of a profile were used for, and by which operation. */
export interface PassedRevision {
  readonly revision: number
  readonly storePath: string
  readonly operation: string
  readonly at: string
}

const file = (stateDirectory: string, profile: ProfileName) =>
  join(profileDirectory(stateDirectory, profile), 'approved-revision.json')

/** What has been passed; null where nothing ever was. Throws `journal-corrupt`: then nothing is known to be newer. */
export async function readPassed(
  stateDirectory: string,
  profile: ProfileName
): Promise<PassedRevision | null> {
  const at = file(stateDirectory, profile)
  const text = await readFile(at, 'utf8').catch(ignoreMissing(null))
  if (text === null) return null
  try {
    const passed = JSON.parse(text) as PassedRevision
    const { revision, storePath, operation, at: when } = passed
    const known = Number.isSafeInteger(revision) && !Number.isNaN(Date.parse(when))
    if (known && typeof operation === 'string' && typeof storePath === 'string') return passed
    throw new Error('not a revision')
  } catch (cause) {
    const wanted = `a person who looks, and removes ${at}: then older approvals count again`
    throw new BelayError('journal-corrupt', `${at} is unreadable`, { cause, at, wanted })
  }
}

/**
 * Throws `approval-older` unless a revision comes after all that were used, or is the last of them with the same content: a
 * retry, which takes an approval of its own.
 */
export function assertNewer(passed: PassedRevision | null, revision: number, storePath: string): void {
  if (passed === null || revision > passed.revision) return
  if (revision === passed.revision && storePath === passed.storePath) return
  const used = `revision ${passed.revision} was used for ${passed.storePath} by operation ${passed.operation}`
  const wanted = `an approval of a revision above ${passed.revision}`
  const text = `${used} at ${passed.at}; ${revision} does not come after it`
  throw new BelayError('approval-older', text, { found: revision, wanted, at: 'revision' })
}

/** Remembers, durably, what an operation uses. It never goes down, whatever is rolled back. */
export async function passRevision(
  stateDirectory: string,
  profile: ProfileName,
  passed: PassedRevision
): Promise<void> {
  const before = await readPassed(stateDirectory, profile)
  if (before !== null && before.revision >= passed.revision) return
  await durableFolder(profileDirectory(stateDirectory, profile))
  await durableWrite(file(stateDirectory, profile), `${JSON.stringify(passed)}\n`)
}
