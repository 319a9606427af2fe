import type { GenerationRef } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { readMarks } from './marks.ts'

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
