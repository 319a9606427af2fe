import { baselineCriterion, questionsOf } from './criteria/baseline.ts'
import type { Days } from './criteria/clock.ts'
import { availabilityCriterion, coverageCriterion, daysCriterion } from './criteria/clock.ts'
import {
  conditions,
  incidentCriterion,
  manualSwitchCriterion,
  rebootCriterion,
  rollbackCriterion
} from './criteria/events.ts'
import { failureCriterion } from './criteria/failures.ts'
import type { Evidence } from './evidence.ts'
import type { Policy } from './policy.ts'
import type { Criterion, Judged, Verdict, VerdictWord, Waiver } from './result.ts'
import { contradictionOf } from './sound.ts'

/** What people said about this soak, in writing. */
export interface Said {
  readonly waivers: readonly Waiver[]
  /** Days that were added. There is no taking away: a soak that is too short is a waived criterion. */
  readonly extraDays: number
}

/** Nobody said anything. */
export const nothingSaid: Said = { waivers: [], extraDays: 0 }

/** Seconds of a day. */
const DAY = 86_400

/** The verdict on one soak. `now` is in ms since the epoch. */
export function judge(evidence: Evidence, policy: Policy, said: Said, now: number): Verdict {
  const days: Days = {
    required: policy.minimumDays + said.extraDays,
    planned: policy.days + said.extraDays
  }
  const criteria = untold(evidence, criteriaOf(evidence, policy, days)).map(
    (criterion): Criterion => ({ ...criterion, waiver: waiverOf(criterion, said.waivers, now) })
  )
  const { host, storePath, generation, startedAt, asOf } = evidence
  return {
    host,
    storePath,
    generation,
    ...wordOf(criteria, evidence),
    day: Math.floor(evidence.onSeconds / DAY) + 1,
    plannedDays: days.planned,
    requiredDays: days.required,
    startedAt,
    asOf,
    judgedAt: new Date(now).toISOString(),
    criteria
  }
}

function criteriaOf(evidence: Evidence, policy: Policy, days: Days): Judged[] {
  const contradiction = contradictionOf(evidence)
  if (contradiction !== null) return [contradiction]
  const questions = questionsOf(evidence.checks, policy)
  return [
    daysCriterion(evidence, days),
    coverageCriterion(evidence, policy),
    availabilityCriterion(evidence, policy, days),
    rebootCriterion(evidence),
    rollbackCriterion(evidence),
    manualSwitchCriterion(evidence),
    incidentCriterion(evidence),
    ...evidence.checks.map((check) => failureCriterion(check, policy)),
    ...evidence.checks.flatMap((check) => baselineCriterion(check, policy, questions) ?? [])
  ]
}

/** What the source of the evidence cannot tell is inconclusive, whatever stands in its place. */
function untold({ untold = [] }: Evidence, criteria: readonly Judged[]): Judged[] {
  const reasons = new Map(untold.map(({ criterion, reason }) => [criterion, reason]))
  const open = (criterion: Judged): Judged => {
    const reason = reasons.get(criterion.name)
    if (reason === undefined || criterion.outcome === 'error') return criterion
    return { ...criterion, outcome: 'inconclusive', observed: 'not told', evidence: reason, statistics: [] }
  }
  const known = new Set(criteria.map(({ name }) => name))
  const more = [...reasons].filter(([name]) => !known.has(name))
  return [...criteria.map(open), ...more.map(([name, reason]) => open(notKnown(name, reason)))]
}

const notKnown = (name: string, evidence: string): Judged => ({
  ...{ name, check: null, outcome: 'inconclusive', observed: 'not told', threshold: 'an answer' },
  ...{ window: 'since the start', evidence, statistics: [] }
})

/** The newest waiver that holds; only what did not pass can be waived. */
function waiverOf(criterion: Judged, waivers: readonly Waiver[], now: number): Waiver | null {
  if (criterion.outcome === 'pass') return null
  const holds = ({ criterion: name, expires }: Waiver) =>
    name === criterion.name && (expires === null || Date.parse(expires) > now)
  return waivers.findLast(holds) ?? null
}

/**
 * The rule. A failure that nobody waived is a NO-GO, however little else is known. What could not be judged and was
 * not waived leaves the evidence insufficient. What was waived, and a MAJOR incident that one can live with, is a
 * condition.
 */
function wordOf(
  criteria: readonly Criterion[],
  evidence: Evidence
): { verdict: VerdictWord; because: string[] } {
  const open = criteria.filter(({ outcome, waiver }) => outcome !== 'pass' && waiver === null)
  const failed = open.filter(({ outcome }) => outcome === 'fail')
  if (failed.length > 0) return { verdict: 'NO-GO', because: failed.map(inWords) }
  if (open.length > 0) return { verdict: 'INSUFFICIENT EVIDENCE', because: open.map(inWords) }
  const waived = criteria.filter(({ waiver }) => waiver !== null)
  const incidents = conditions(evidence)
  if (waived.length + incidents.length === 0) return { verdict: 'GO', because: ['every criterion is met'] }
  const because = [
    ...waived.map(({ name, waiver }) => `${name} waived by ${waiver?.by}: ${waiver?.reason}`),
    ...incidents.map(({ id, workaround }) => `MAJOR ${id} open; workaround: ${workaround}`)
  ]
  return { verdict: 'CONDITIONAL GO', because }
}

const inWords = ({ name, observed, threshold }: Criterion) => `${name}: ${observed}, wanted ${threshold}`
