import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { durableWrite } from '../../../shared/durable-write.ts'
import { ignoreMissing } from '../../platform/nix/generations.ts'
import type { Baseline } from './ledger-event.ts'

/** Baselines kept. */
const KEPT = 40
/** Roll-ups of so many days before it are a baseline's. */
export const BASELINE_DAYS = 14
/** With fewer hours a baseline says little: it knows neither the night nor the working day. */
export const ENOUGH_HOURS = 24

const file = (stateDirectory: string) => join(stateDirectory, 'baselines.json')

/** Baselines, oldest first; a list that cannot be read is none. */
export async function readBaselines(stateDirectory: string): Promise<readonly Baseline[]> {
  const text = await readFile(file(stateDirectory), 'utf8').catch(ignoreMissing(null))
  try {
    const { baselines } = JSON.parse(text ?? '{"baselines":[]}') as { baselines: Baseline[] }
    return baselines.filter(
      ({ id, failing, from }) => typeof id === 'string' && Array.isArray(failing) && Date.parse(from) > 0
    )
  } catch {
    return []
  }
}

/** Adds a baseline; the oldest beyond those that are kept go. */
export async function keepBaseline(stateDirectory: string, baseline: Baseline): Promise<void> {
  const all = [...(await readBaselines(stateDirectory)), baseline].slice(-KEPT)
  await durableWrite(file(stateDirectory), `${JSON.stringify({ baselines: all }, null, 2)}\n`)
}

/** The newest baseline of an operation, or else of a system. */
export function baselineFor(
  baselines: readonly Baseline[],
  operation: string | null,
  storePath: string | null
): Baseline | null {
  const own = baselines.findLast((each) => operation !== null && each.operation === operation)
  return own ?? baselines.findLast((each) => each.storePath === storePath) ?? null
}

/** What a baseline does not tell, in words; null where there is enough. */
export function shortcoming({ hours }: Baseline): string | null {
  if (hours >= ENOUGH_HOURS) return null
  return `it covers ${hours} hours with samples; a comparison wants ${ENOUGH_HOURS}`
}
