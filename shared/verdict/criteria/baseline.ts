import { compare, RECENT_HOURS } from '../compare.ts'
import type { CheckEvidence, HourOfCheck, Measure } from '../evidence.ts'
import type { Policy } from '../policy.ts'
import type { Judged, Statistic } from '../result.ts'
import type { Point } from '../season.ts'
import { change } from '../words.ts'

type Series = Statistic['series']

/** What is compared of each hour: how things usually are, for durations also how they are at worst, and means of rates. */
const seriesOf: Record<Measure, readonly Series[]> = {
  duration: ['median', 'p95'],
  rate: ['mean'],
  count: ['mean'],
  ratio: ['median'],
  bytes: ['median'],
  temperature: ['median']
}

/** Numbers of events, each looked at in two ways. */
const isEvents = (measures: Measure) => measures === 'rate'

/** Changes much smaller than this do not matter, in the unit of the values: 10 ms, one error, one hundredth, 1 MiB, 1 K. */
const offsets: Record<Measure, number> = {
  duration: 0.01,
  rate: 1,
  count: 1,
  ratio: 0.01,
  bytes: 1_048_576,
  temperature: 1
}

/** Looks at one soak that count as independent: its planned days, each with both windows. */
const looks = (policy: Policy) => 2 * policy.days

/** Comparisons that a soak of these checks takes in all. */
export function questionsOf(checks: readonly CheckEvidence[], policy: Policy): number {
  const series = checks.reduce(
    (sum, { measures }) => sum + (measures ? seriesOf[measures].length * (isEvents(measures) ? 2 : 1) : 0),
    0
  )
  return series * looks(policy)
}

/** A check whose values are compared stays within the limit; null for a plain yes or no. */
export function baselineCriterion(check: CheckEvidence, policy: Policy, questions: number): Judged | null {
  const { measures } = check
  if (measures === null) return null
  const statistics = seriesOf[measures].flatMap((series): Statistic[] =>
    compare({
      baseline: pointsOf(check.baseline, series),
      soak: pointsOf(check.soak, series),
      offset: offsets[measures],
      events: isEvents(measures),
      limit: 1 + policy.withinBaseline,
      questions
    }).map((comparison) => ({ series, ...comparison }))
  )
  const failed = statistics.filter((statistic) => statistic.outcome === 'fail')
  const whole = statistics.filter((statistic) => statistic.window === 'whole')
  const open = whole.find((statistic) => statistic.outcome === 'inconclusive')
  const deciding = failed[0] ?? open ?? whole[0]
  return {
    name: `baseline/${check.name}`,
    check: check.name,
    outcome: failed.length > 0 ? 'fail' : open === undefined ? 'pass' : 'inconclusive',
    observed: observedOf(deciding),
    threshold: `at most ${change(1 + policy.withinBaseline)}`,
    window: failed[0]?.window === 'recent' ? `last ${RECENT_HOURS} hours` : 'whole soak',
    evidence: deciding === undefined ? 'nothing was measured' : evidenceOf(deciding),
    statistics
  }
}

function pointsOf(hours: readonly HourOfCheck[], series: Series): Point[] {
  return hours.flatMap((hour) => {
    const value = hour[series]
    return value === null ? [] : [{ at: Date.parse(hour.hour), value }]
  })
}

function observedOf(statistic: Statistic | undefined): string {
  if (statistic === undefined || statistic.ratio === null) return 'not comparable'
  return `${statistic.series} ${change(statistic.ratio)}`
}

function evidenceOf(statistic: Statistic): string {
  const { baselineHours, soakHours, lower, upper, outcome } = statistic
  const hours = `${soakHours} hours against ${baselineHours} of the baseline`
  if (statistic.ratio === null) return `too few hours: ${hours}`
  const above = lower === null ? 'no lower bound' : `surely above ${change(lower)}`
  const below = upper === null ? 'no upper bound' : `probably below ${change(upper)}`
  const open = outcome === 'inconclusive' ? 'too few or too uneven to tell; ' : ''
  return `${open}${hours}; ${above}, ${below}`
}
