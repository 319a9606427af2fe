import type { GenerationRef } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Settings } from '../config/settings.ts'
import type { Caller } from './confirmable.ts'
import { markOf, readMarks } from './marks.ts'
import type { OperationState } from './state.ts'

/** Generations that were committed, or served as baseline, newest first. Throws `journal-corrupt`. */
export async function readKnownGood(stateDirectory: string): Promise<readonly GenerationRef[]> {
  return (await readMarks(stateDirectory))
    .filter(({ state }) => state === 'good')
    .map(({ number, storePath }) => ({ number, storePath }))
}

/** Where a rollback goes: the newest known-good generation that does not run. Throws `no-known-good`. */
export function rollbackTarget(knownGood: readonly GenerationRef[], running: string | null): GenerationRef {
  const target = knownGood.find((generation) => generation.storePath !== running)
  if (target) return target
  throw new BelayError('no-known-good', 'no other generation is known to be good; name one', {
    found: knownGood.length,
    wanted: 'a generation number'
  })
}

/**
 * Throws `rollback-not-known-good` where revisions must grow and somebody who is not root names a generation that Belay
 * neither committed nor recorded as a baseline: any other is old software that nobody signed to have again.
 */
export async function assertMayGoBack(
  { storePath, number }: GenerationRef,
  { approval }: Pick<Settings, 'approval'>,
  { caller, marks, states }: { caller: Caller; marks: string; states: readonly OperationState[] }
): Promise<void> {
  if (approval.required === 'never' || approval.revision === 'optional' || caller.role === 'admin') return
  if (states.some(({ baseline }) => baseline?.generation.storePath === storePath)) return
  if (markOf(await readMarks(marks), storePath).state === 'good') return
  const text = `generation ${number} is neither a recorded baseline nor known to be good`
  const wanted =
    'no generation, for the last known good; or root on the host: belay-agent rollback --generation'
  throw new BelayError('rollback-not-known-good', `${text}; ${wanted}`, {
    found: storePath,
    wanted,
    at: 'generation'
  })
}
