import { inflationOf } from './dependence.ts'
import { excessOf } from './excess.ts'
import { normalQuantile } from './normal.ts'
import type { Point } from './season.ts'
import { withoutRhythm } from './season.ts'
import type { Certainty, Shift } from './shift.ts'
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
  /** The values count events, which also their sum tells about. */
  readonly events: boolean
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
  const inflation = inflationOf(baseline)
  const judge = (window: Comparison['window'], after: readonly Point[]) =>
    judgeWindow(window, { before: baseline, after, inflation, question })
  const whole = judge('whole', soak)
  return soak.length <= RECENT_HOURS ? [whole] : [whole, judge('recent', soak.slice(-RECENT_HOURS))]
}

interface Window {
  readonly before: readonly number[]
  readonly after: readonly Point[]
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
    zUpper: normalQuantile(question.events ? MISSED / 2 : MISSED),
    inflation
  }
  const values = after.map(({ value }) => value)
  const shift = boundedBySum(shiftBetween(before, values, sure), sure, after, question)
  const limit = Math.log(question.limit)
  const worse = shift.estimate > limit && shift.lower > TIE
  const ratio = (shift: number) => (Number.isFinite(shift) ? Math.exp(shift) : null)
  return {
    ...size,
    outcome: worse ? 'fail' : shift.upper <= limit ? 'pass' : 'inconclusive',
    ratio: ratio(shift.estimate),
    lower: ratio(shift.lower),
    upper: ratio(shift.upper)
  }
}

/** The narrower of two bounds, each with its share of the error: by ranks of hours, and for events by their sum. */
function boundedBySum(
  shift: Shift,
  sure: Certainty,
  after: readonly Point[],
  { events, baseline, soak, offset }: Question
): Shift {
  if (!events) return shift
  const times = new Set(after.map(({ at }) => at))
  const excess = excessOf(
    baseline,
    soak.filter(({ at }) => times.has(at)),
    sure
  )
  if (excess === null) return shift
  // What is below the offset does not matter, however sure it is.
  const estimate = excess.rise < offset ? Math.min(shift.estimate, 0) : shift.estimate
  return {
    estimate,
    lower: Math.max(shift.lower, excess.lower > 0 ? Math.log(excess.lower) : Number.NEGATIVE_INFINITY),
    upper: Math.min(shift.upper, Math.log(excess.upper))
  }
}
