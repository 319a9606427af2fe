import t from 'tap'
import type { Evidence } from '../../../shared/verdict/evidence.ts'
import { judge, nothingSaid } from '../../../shared/verdict/judge.ts'
import type { SoakOverride } from '../../../shared/verdict/policy.ts'
import { resolvePolicy } from '../../../shared/verdict/policy.ts'
import type { Verdict, Waiver } from '../../../shared/verdict/result.ts'
import { START, stories, story } from '../../verdict/stories.ts'

const DAY = 86_400_000
const of = (evidence: Evidence, waivers: Waiver[] = [], host?: SoakOverride, extraDays = 0): Verdict =>
  judge(evidence, resolvePolicy({}, host), { waivers, extraDays }, Date.parse(evidence.asOf))
const notPassed = (verdict: Verdict) =>
  verdict.criteria
    .filter(({ outcome }) => outcome !== 'pass')
    .map(({ name, outcome }) => `${name} ${outcome}`)
const waive = (criterion: string, change: Partial<Waiver> = {}): Waiver => ({
  criterion,
  by: 'ada',
  at: new Date(START).toISOString(),
  reason: 'known, see the wiki',
  expires: null,
  ...change
})

t.test('a soak that passes', async (t) => {
  const verdict = of(stories.passes)
  t.same(notPassed(verdict), [])
  t.match(verdict, { verdict: 'GO', because: ['every criterion is met'], day: 15, plannedDays: 14 })
})

t.test('one that fails by its error rate on day 3, and is known by then', async (t) => {
  const verdict = of(stories.errorsOnDayThree)
  t.same(notPassed(verdict), ['days inconclusive', 'baseline/log-errors fail'])
  t.match(verdict, { verdict: 'NO-GO', day: 4 })
  t.match(verdict.because[0], /^baseline\/log-errors: mean \+\d+ %, wanted at most \+20 %$/)
})

t.test('an unexpected reboot, beside one that was asked for', async (t) => {
  const verdict = of(stories.unexpectedReboot)
  t.same(notPassed(verdict), ['unexpected-reboots fail'])
  t.equal(verdict.verdict, 'NO-GO')
  t.match(verdict.because[0], 'unexpected-reboots: 1 reboot, wanted none')
})

t.test('a laptop asleep for 3 of 7 days: the clock stands, then it is conclusive', async (t) => {
  const early = of(stories.asleepAfterAWeek)
  t.same(notPassed(early), ['days inconclusive'], 'only days are missing')
  t.match(early.verdict, 'INSUFFICIENT EVIDENCE')
  const later = of(stories.asleepLater)
  t.same(notPassed(later), [])
  t.equal(later.verdict, 'GO')
  t.ok(Date.parse(later.asOf) - START >= 10 * DAY, 'ten days of the calendar for seven on the clock')
  t.match(later.criteria.find(({ name }) => name === 'days')?.evidence, /the clock stood for 3\.0 days/)
})

t.test('too few samples', async (t) => {
  const verdict = of(stories.tooFewSamples)
  t.same(notPassed(verdict), ['coverage inconclusive'])
  t.match(verdict, { verdict: 'INSUFFICIENT EVIDENCE', because: ['coverage: 80 %, wanted at least 95 %'] })
})

t.test('a check that failed in the baseline does not block, a new one does', async (t) => {
  t.equal(of(stories.failedBefore).verdict, 'GO')
  t.same(notPassed(of(stories.failsNewly)), ['failures/disk-store fail'])
  t.equal(of(stories.failsNewly).verdict, 'NO-GO')
})

t.test('a waived criterion is a condition, for as long as the waiver holds', async (t) => {
  const verdict = of(stories.unexpectedReboot, [waive('unexpected-reboots')])
  t.match(verdict, {
    verdict: 'CONDITIONAL GO',
    because: ['unexpected-reboots waived by ada: known, see the wiki']
  })
  const past = waive('unexpected-reboots', { expires: new Date(START + DAY).toISOString() })
  t.equal(of(stories.unexpectedReboot, [past]).verdict, 'NO-GO', 'it has expired')
  t.equal(of(stories.unexpectedReboot, [waive('days')]).verdict, 'NO-GO', 'it is about another criterion')
  t.equal(of(stories.passes, [waive('unexpected-reboots')]).verdict, 'GO', 'nothing was to be waived')
  t.equal(of(stories.tooFewSamples, [waive('coverage')]).verdict, 'CONDITIONAL GO')
})

t.test('30 % slower is found', async (t) => {
  t.same(notPassed(of(stories.slower)), ['baseline/shell-start fail'])
})

t.test('incidents', async (t) => {
  const incident = {
    id: 'i-1',
    openedAt: new Date(START).toISOString(),
    openedBy: 'ada',
    description: 'no sound',
    status: 'open' as const,
    resolvedAt: null
  }
  const withOne = (severity: 'critical' | 'major' | 'minor', workaround: string | null) =>
    of(story({ days: 14, evidence: { incidents: [{ ...incident, severity, workaround }] } })).verdict
  t.equal(withOne('critical', 'unplug it'), 'NO-GO')
  t.equal(withOne('major', null), 'NO-GO')
  t.equal(withOne('major', '  '), 'NO-GO')
  t.equal(withOne('major', 'unplug it'), 'CONDITIONAL GO')
  t.equal(withOne('minor', null), 'GO')
})

t.test('availability: an early minute is no end, a spent allowance is', async (t) => {
  const away = (days: number, seconds: number) =>
    of(story({ days, evidence: { availableSeconds: days * 86_400 - seconds } })).criteria.find(
      ({ name }) => name === 'availability'
    )?.outcome
  t.equal(away(1, 3600), 'inconclusive')
  t.equal(away(1, 6100), 'fail', 'more than 1 % of seven days')
  t.equal(away(14, 6100), 'pass')
  t.equal(away(7, 6048), 'fail', 'exactly 99 % is not more than 99 %')
  const always = (seconds: number) => {
    const evidence = story({ days: 14, evidence: { availableSeconds: 14 * 86_400 - seconds } })
    const { criteria } = of(evidence, [], { availability: 1, reason: 'everybody needs it' })
    return criteria.find(({ name }) => name === 'availability')
  }
  t.match(always(0), { outcome: 'pass', threshold: '100 %' })
  t.equal(always(1)?.outcome, 'fail')
})

t.test('extension moves both ends, and a host may differ with a reason', async (t) => {
  const extended = of(stories.passes, [], undefined, 5)
  t.match(extended, { verdict: 'GO', requiredDays: 12, plannedDays: 19 })
  t.equal(of(stories.asleepLater, [], undefined, 1).verdict, 'INSUFFICIENT EVIDENCE')
  const patient = of(stories.passes, [], { minimumDays: 21, reason: 'goes last' })
  t.match(patient, { verdict: 'INSUFFICIENT EVIDENCE', plannedDays: 21 })
})

t.test('nothing is concluded from evidence that contradicts itself', async (t) => {
  const days = 14
  const cases: [string, Partial<Evidence>][] = [
    ['a time is none', { startedAt: 'yesterday' }],
    ['it ended before it began', { endedAt: '2020-01-01T00:00:00Z' }],
    ['available for longer than on', { availableSeconds: 15 * 86_400 }],
    ['on for longer than it lasted', { onSeconds: 20 * 86_400 }],
    ['two checks have one name', { checks: [...stories.passes.checks, ...stories.passes.checks] }]
  ]
  for (const [text, evidence] of cases) {
    const verdict = judge(story({ days, evidence }), resolvePolicy(), nothingSaid, START)
    t.same(notPassed(verdict), ['evidence error'])
    t.equal(verdict.verdict, 'INSUFFICIENT EVIDENCE')
    t.match(verdict.criteria[0]?.observed, text)
  }
})

t.test('a check that could never tell, and one without a baseline, leave the question open', async (t) => {
  const [first, ...others] = stories.passes.checks
  const unknown = first?.soak.map((hour) => ({ ...hour, pass: 0, unknown: 12 })) ?? []
  const blind = {
    ...stories.passes,
    checks: [{ ...(first as never as object), soak: unknown } as never, ...others]
  }
  t.same(notPassed(of(blind)), ['failures/failed-units inconclusive'])
  const bare = {
    ...stories.passes,
    checks: stories.passes.checks.map((check) => ({ ...check, baseline: [] }))
  }
  t.same(notPassed(of(bare)), ['baseline/log-errors inconclusive', 'baseline/shell-start inconclusive'])
})

t.test('failures that come and go every day are a pattern', async (t) => {
  const checks = stories.passes.checks.map((check) => ({
    ...check,
    soak: check.soak.map((hour, i) => (i % 12 === 0 ? { ...hour, pass: 0, fail: 12 } : hour))
  }))
  const [criterion] = of({ ...stories.passes, checks }).criteria.filter(
    ({ name }) => name === 'failures/nginx'
  )
  t.match(criterion, { outcome: 'fail', evidence: /fails again and again: in 28 hours/ })
})

t.test('two bad hours of the last day do not hide a bad soak', async (t) => {
  const checks = stories.passes.checks.map((check) => ({
    ...check,
    soak: check.soak.map((hour, i) => (i < 20 || i >= 334 ? { ...hour, pass: 0, fail: 12 } : hour))
  }))
  const criterion = of({ ...stories.passes, checks }).criteria.find(({ name }) => name === 'failures/nginx')
  t.match(criterion, { outcome: 'fail', evidence: /fails again and again: in 22 hours/ })
})

t.test('what the source of the evidence cannot tell is inconclusive, and can be waived', async (t) => {
  const untold = [
    { criterion: 'availability', reason: 'the last scrape has no such metric' },
    { criterion: 'baseline/new', reason: 'no label measures' }
  ]
  const verdict = of({ ...stories.unexpectedReboot, untold })
  t.match(
    verdict.criteria.filter(({ name }) => untold.some(({ criterion }) => criterion === name)),
    untold.map(({ criterion, reason }) => ({ name: criterion, outcome: 'inconclusive', evidence: reason }))
  )
  t.equal(verdict.verdict, 'NO-GO', 'what failed has failed')
  t.equal(of({ ...stories.passes, untold }).verdict, 'INSUFFICIENT EVIDENCE')
})
