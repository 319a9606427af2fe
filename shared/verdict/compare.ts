import { inflationOf } from './dependence.ts'
import { normalQuantile } from './normal.ts'
import type { Point } from './season.ts'
import { withoutRhythm } from './season.ts'
import { shiftBetween } from './shift.ts'

/** Hours that each side needs before anything is said. */
export const LEAST_HOURS = 12
/** Hours of the recent window. */
export const RECENT_HOURS = 24
/** Chance that anything at all is called worse in a soak in which nothing changed. */
export const FALSE_ALARM = 0.01
/** Chance that what passes is in truth worse than the limit, for each comparison. */
const MISSED = 0.05

/** What is no more than this above nothing is a tie: bounds are found by halving. */
const TIE = 1e-9

/** What to compare, and how surely. */
export interface Question {
  readonly baseline: readonly Point[]
  readonly soak: readonly Point[]
  /** Added to every value, in its unit: changes much smaller than this do not matter. */
  readonly offset: number
  /** Ratio that is still allowed, such as 1.2. */
  readonly limit: number
  /** How many questions like this one are asked during the whole soak. */
  readonly questions: number
}

/** What came out for one window. */
export interface Comparison {
  readonly window: 'whole' | 'recent'
  readonly outcome: 'pass' | 'fail' | 'inconclusive'
  readonly baselineHours: number
  readonly soakHours: number
  /** Level of the soak over the level of the baseline. Null where there are too few hours. */
  readonly ratio: number | null
  /** The ratio is above this, but for a chance of FALSE_ALARM over the whole soak. Null where unbounded. */
  readonly lower: number | null
  /** The ratio is below this, but for a chance of 5 %. Null where unbounded. */
  readonly upper: number | null
}

/**
 * Compares hours of the soak with hours of the baseline: all of them, and the last 24. A window fails when its ratio
 * is above the limit and surely above 1; passes when it is surely below the limit; else nothing can be said yet.
 */
export function compare(question: Question): Comparison[] {
  const log = (points: readonly Point[]) =>
    points.map(({ at, value }) => ({ at, value: Math.log(Math.max(value, 0) + question.offset) }))
  const { baseline, soak } = withoutRhythm(log(question.baseline), log(question.soak))
  const values = soak.map((point) => point.value)
  const inflation = inflationOf(baseline)
  const judge = (window: Comparison['window'], after: readonly number[]) =>
    judgeWindow(window, { before: baseline, after, inflation, question })
  const whole = judge('whole', values)
  return values.length <= RECENT_HOURS ? [whole] : [whole, judge('recent', values.slice(-RECENT_HOURS))]
}

interface Window {
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly inflation: number
  readonly question: Question
}

function judgeWindow(window: Comparison['window'], given: Window): Comparison {
  const { before, after, inflation, question } = given
  const size = { window, baselineHours: before.length, soakHours: after.length }
  if (before.length < LEAST_HOURS || after.length < LEAST_HOURS) {
    return { ...size, outcome: 'inconclusive', ratio: null, lower: null, upper: null }
  }
  const sure = {
    zLower: normalQuantile(FALSE_ALARM / Math.max(1, question.questions)),
    zUpper: normalQuantile(MISSED),
    inflation
  }
  const shift = shiftBetween(before, after, sure)
  const worse = shift.estimate > Math.log(question.limit)
  const outcome =
    worse && shift.lower > TIE ? 'fail' : shift.upper <= Math.log(question.limit) ? 'pass' : 'inconclusive'
  const ratio = (shift: number) => (Number.isFinite(shift) ? Math.exp(shift) : null)
  return {
    ...size,
    outcome,
    ratio: ratio(shift.estimate),
    lower: ratio(shift.lower),
    upper: ratio(shift.upper)
  }
}
