import type { ActivationMode } from '../../../shared/api/schemas.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import type { Observed } from '../../operation/drift.ts'
import type { Accepted, Baseline } from '../../operation/events.ts'
import type { Check } from '../../preflight/check.ts'
import { refusalOf, runPreflight } from '../../preflight/run.ts'
import { addRoot } from './profile.ts'

/** What is recorded of every host. */
type Recorded = Pick<Baseline, 'type' | 'generation' | 'profile' | 'preflight'>

/**
 * Records the system that an operation may have to come back to: rooted first, then looked at together with the candidate.
 * Throws `path-not-valid` where there is none, and what preflight refuses.
 */
export async function recordBaseline(
  accepted: Accepted,
  of: {
    readonly settings: Settings
    readonly seen: Observed
    readonly checks: readonly Check[]
    readonly mode: ActivationMode
  }
): Promise<{ readonly running: string; readonly recorded: Recorded }> {
  const { settings, seen, checks, mode } = of
  const { running, storePath, number } = seen
  if (running === null || storePath === null) {
    const found = `running ${running}, profile ${storePath}`
    const wanted = 'a system that runs'
    throw new BelayError('path-not-valid', 'there is no baseline to come back to', { found, wanted })
  }
  await addRoot(settings.gcRootsDirectory, 'baseline', running)
  await addRoot(settings.gcRootsDirectory, 'baseline-profile', storePath)
  const found = await runPreflight(checks, {
    storePath: accepted.target.storePath,
    settings,
    seen,
    nowMs: Date.now(),
    looking: 'before activation',
    mode,
    outsideWindow: accepted.outsideWindow ? accepted.principal : null,
    unfinished: null
  })
  const refusal = refusalOf(found, settings.preflight.mustKnow)
  if (refusal !== null) throw refusal
  return {
    running,
    recorded: {
      type: 'baseline',
      generation: { number: running === storePath ? number : null, storePath: running },
      profile: { number, storePath },
      preflight: found.map(({ name, result, evidence }) => ({ name, result, evidence }))
    }
  }
}
