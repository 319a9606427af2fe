import type { CheckEvidence, HourOfCheck } from '../evidence.ts'
import type { Policy } from '../policy.ts'
import type { Judged } from '../result.ts'
import { counted, percent } from '../words.ts'

/** Hours with failures from which on failures that come and go are a pattern. */
const LEAST_HOURS = 3
/** Hours in the window in which failures that come and go are looked for. */
const RECENT_HOURS = 24

/** A check does not newly fail: neither now, nor again and again. What failed in the baseline is not new. */
export function failureCriterion(check: CheckEvidence, policy: Policy): Judged {
  const before = shareOf(check.baseline)
  const whole = shareOf(check.soak)
  const recent = shareOf(check.soak.slice(-RECENT_HOURS))
  const often = (recent.share > whole.share ? [recent, whole] : [whole, recent]).find(
    ({ hours, share }) => hours >= LEAST_HOURS && share - before.share > policy.failedShare
  )
  const criterion = {
    name: `failures/${check.name}`,
    check: check.name,
    observed: `${percent(whole.share)} of samples failed`,
    threshold: `not failing, at most ${percent(policy.failedShare)} more failed samples than before`,
    window: 'whole soak and last 24 hours',
    statistics: []
  }
  if (check.failedInBaseline) {
    const now = check.failingSince === null ? 'it does not fail now' : 'it still fails'
    const evidence = `failed in the baseline already (${percent(before.share)} of samples), so no failure is new; ${now}`
    return { ...criterion, outcome: 'pass', evidence }
  }
  if (check.failingSince !== null) {
    const evidence = `${check.severity}: failing since ${check.failingSince}`
    return { ...criterion, outcome: 'fail', evidence }
  }
  if (often) {
    const evidence = `fails again and again: in ${counted(often.hours, 'hour')}, ${percent(often.share)} of samples; before ${percent(before.share)}`
    return { ...criterion, outcome: 'fail', evidence }
  }
  if (whole.known === 0) {
    return { ...criterion, outcome: 'inconclusive', evidence: `no sample in the soak that could tell` }
  }
  const evidence = `${counted(whole.failed, 'failed sample')} of ${whole.known}; before ${percent(before.share)}`
  return { ...criterion, outcome: 'pass', evidence }
}

function shareOf(hours: readonly HourOfCheck[]) {
  const failed = hours.reduce((sum, hour) => sum + hour.fail, 0)
  const known = hours.reduce((sum, hour) => sum + hour.pass + hour.warn + hour.fail, 0)
  const withFailures = hours.filter((hour) => hour.fail > 0).length
  return { failed, known, hours: withFailures, share: known === 0 ? 0 : failed / known }
}
