import type { Sample } from '../../shared/api/checks.ts'
import type { CheckResult } from '../../shared/verdict/evidence.ts'

/** Known results looked at for flapping, and how many changes among them make and end it. */
const WINDOW = 20
const FLAPS_FROM = 6
const FLAPS_UNTIL = 3

/** Where a check stands: the fold of its samples. */
export interface Standing {
  readonly last: Sample
  /** Since when the result is the same, in milliseconds since the epoch. */
  readonly since: number
  /**
   * How long it has been failing while it was watched, in milliseconds; null while it does not fail. Added up from
   * sample to sample, so that neither sleep nor a jump of the clock makes a failure older.
   */
  readonly failedMs: number | null
  /** It has failed for at least as long as its `forSeconds` demand. */
  readonly failing: boolean
  /** A mark for each of the last known results: whether it was another than the one before. */
  readonly changes: readonly boolean[]
  readonly known: Exclude<CheckResult, 'unknown'> | null
  readonly flapping: boolean
}

/** What the fold has to know of the check. */
export interface Judging {
  readonly forMs: number
  /** The longest time between two samples that counts as watched. */
  readonly maxStepMs: number
}

/** The standing after one more sample. `unknown` is neither good nor bad: what was known before stays. */
export function fold(before: Standing | null, sample: Sample, { forMs, maxStepMs }: Judging): Standing {
  const { result, at } = sample
  const same = before !== null && before.last.result === result
  const since = same ? Math.min(before.since, at) : at
  const stepped = Math.min(Math.max(at - (before?.last.at ?? at), 0), maxStepMs)
  const changes = before?.changes ?? []
  if (result === 'unknown') {
    const failedMs = before?.failedMs ?? null
    return {
      last: sample,
      since,
      failedMs: failedMs === null ? null : failedMs + stepped,
      failing: before?.failing ?? false,
      changes,
      known: before?.known ?? null,
      flapping: before?.flapping ?? false
    }
  }
  const failedMs =
    result !== 'fail' ? null : before === null || before.failedMs === null ? 0 : before.failedMs + stepped
  const known = before?.known ?? null
  const marks = known === null ? changes : [...changes, known !== result].slice(-WINDOW)
  const count = marks.filter(Boolean).length
  return {
    last: sample,
    since,
    failedMs,
    failing: failedMs !== null && failedMs >= forMs,
    changes: marks,
    known: result,
    flapping: count >= (before?.flapping ? FLAPS_UNTIL : FLAPS_FROM)
  }
}
