import type { Evidence } from '../evidence.ts'
import type { Policy } from '../policy.ts'
import type { Judged } from '../result.ts'
import { counted, percent, span } from '../words.ts'

/** Seconds of a day. */
const DAY = 86_400

/** Days asked for: those of the policy, and those that people added. */
export interface Days {
  readonly required: number
  readonly planned: number
}

/** Enough days on the clock, which stands while the host is off or asleep. */
export function daysCriterion(evidence: Evidence, days: Days): Judged {
  const on = evidence.onSeconds / DAY
  const away = evidence.gaps
    .filter((gap) => gap.cause !== 'agent-stopped')
    .reduce((sum, gap) => sum + (Date.parse(gap.to) - Date.parse(gap.from)) / 1000, 0)
  const pause = away > 0 ? `; the clock stood for ${span(away)} while the host was off or asleep` : ''
  return {
    name: 'days',
    check: null,
    outcome: on >= days.required ? 'pass' : 'inconclusive',
    observed: `${on.toFixed(1)} days`,
    threshold: `at least ${counted(days.required, 'day')}`,
    window: 'since the start',
    evidence: `started ${evidence.startedAt}${pause}`,
    statistics: []
  }
}

/** Enough of the samples that were to be taken while the host was on. */
export function coverageCriterion(evidence: Evidence, policy: Policy): Judged {
  const { expectedSamples: expected, receivedSamples: received, gaps } = evidence
  const share = expected === 0 ? 0 : Math.min(1, received / expected)
  const stopped = gaps.filter((gap) => gap.cause === 'agent-stopped').length
  const why = stopped > 0 ? `; the agent was stopped ${counted(stopped, 'time')}` : ''
  return {
    name: 'coverage',
    check: null,
    outcome: expected > 0 && share >= policy.coverage ? 'pass' : 'inconclusive',
    observed: percent(share),
    threshold: `at least ${percent(policy.coverage)}`,
    window: 'while on',
    evidence: `${received} of ${expected} samples${why}`,
    statistics: []
  }
}

/**
 * Available while on. Before the required days are over only what they cannot make good again fails: the first bad
 * minute of a soak is not its end.
 */
export function availabilityCriterion(evidence: Evidence, policy: Policy, days: Days): Judged {
  const { onSeconds, availableSeconds } = evidence
  const away = Math.max(0, onSeconds - availableSeconds)
  const allowed = (1 - policy.availability) * Math.max(onSeconds, days.required * DAY)
  const share = onSeconds === 0 ? 0 : availableSeconds / onSeconds
  // More than all of it is not to be had.
  const kept = onSeconds > 0 && (share > policy.availability || away === 0)
  const lost = onSeconds >= days.required * DAY || away > allowed
  return {
    name: 'availability',
    check: null,
    outcome: kept ? 'pass' : lost ? 'fail' : 'inconclusive',
    observed: percent(share),
    threshold: policy.availability < 1 ? `more than ${percent(policy.availability)}` : percent(1),
    window: `${span(onSeconds)} on`,
    evidence: `${span(away)} not available, at most ${span(allowed)} in ${span(Math.max(onSeconds, days.required * DAY))}`,
    statistics: []
  }
}
