import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GenerationRef } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { durableWrite } from '../journal/durable-write.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'

/** How many known-good generations are remembered. */
const KEPT = 10

/** Generations that were committed, or served as baseline, newest first. */
export async function readKnownGood(stateDirectory: string): Promise<readonly GenerationRef[]> {
  const text = await readFile(file(stateDirectory), 'utf8').catch(ignoreMissing(null))
  if (text === null) return []
  try {
    const { generations } = JSON.parse(text) as { generations: GenerationRef[] }
    if (generations.every(({ storePath }) => typeof storePath === 'string')) return generations
    throw new Error('not a list of generations')
  } catch (cause) {
    throw new BelayError('journal-corrupt', `${file(stateDirectory)} is unreadable`, {
      cause,
      at: file(stateDirectory),
      wanted: 'a generation number, from `belay-agent generations`'
    })
  }
}

/** Puts generations in front, newest first, and drops one that was left; a store path stands once. */
export async function markKnownGood(
  stateDirectory: string,
  newest: readonly GenerationRef[],
  left: string | null = null
): Promise<void> {
  // An unreadable list is not worth keeping a commit from ending.
  const older = await readKnownGood(stateDirectory).catch(() => [])
  const all = [...newest, ...older]
  const generations = all
    .filter((g, i) => g.storePath !== left && all.findIndex((o) => o.storePath === g.storePath) === i)
    .slice(0, KEPT)
  await durableWrite(file(stateDirectory), `${JSON.stringify({ generations }, null, 2)}\n`)
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

const file = (stateDirectory: string) => join(stateDirectory, 'known-good.json')
