import type { CheckEvidence, Evidence, HourOfCheck, Incident } from '../../../shared/verdict/evidence.ts'
import type { HoursByCheck } from '../history/job.ts'
import type { Interval } from '../history/query.ts'
import type { CheckDefinition } from '../sample.ts'
import type { LedgerIncident, LedgerState } from './fold.ts'
import { checkRule } from './rules.ts'

/** Roll-ups of a soak go back so far at most: six weeks and a bit, and an answer that stays within bounds. */
const MAX_DAYS = 45

/** Which part of the history belongs to a soak, and which to its baseline. */
export function intervalsOf(
  state: LedgerState,
  nowMs: number
): { baseline: Interval | null; soak: Interval } {
  const { begun, startedAt, endedAt } = state
  // What was measured in this very millisecond counts.
  const to = endedAt === null ? nowMs + 1 : Date.parse(endedAt)
  const from = Math.max(Date.parse(startedAt), to - MAX_DAYS * 24 * 3_600_000)
  const baseline = begun.baseline && {
    from: Date.parse(begun.baseline.from),
    to: Date.parse(begun.baseline.to)
  }
  return { baseline, soak: { from, to } }
}

export interface EvidenceParts {
  readonly host: string
  readonly state: LedgerState
  readonly asOf: string
  readonly checks: readonly CheckDefinition[]
  readonly hours: HoursByCheck
  /** Since when a check fails for as long as its `forSeconds` demand, as far as is known in memory. */
  readonly failingSince: (check: CheckDefinition) => string | null
}

/** Puts the evidence together from ledger and history. Where the history lost samples, they are not there. */
export function evidenceOf(parts: EvidenceParts): Evidence {
  const { host, state, asOf, hours } = parts
  const { begun, count, sign } = state
  const { soak } = intervalsOf(state, Date.parse(sign.at))
  const whole = soak.from === Date.parse(state.startedAt)
  const checks = parts.checks.map((check) => checkEvidence(parts, check))
  const kept = checks.reduce((sum, check) => sum + samples(check.soak), 0)
  const expected = Math.floor(count.expected)
  return {
    ...{
      host,
      profile: 'system',
      storePath: begun.generation.storePath,
      generation: begun.generation.number
    },
    ...{ baselinePath: begun.baselinePath, startedAt: state.startedAt, endedAt: state.endedAt, asOf },
    onSeconds: Math.floor(count.onMs / 1000),
    availableSeconds: Math.floor((count.onMs - count.unavailableMs) / 1000),
    expectedSamples: expected,
    receivedSamples: Math.min(
      expected,
      count.received,
      ...(whole && Object.keys(hours).length > 0 ? [kept] : [])
    ),
    ...{ gaps: [...state.gaps], reboots: [...state.reboots], agentRestarts: state.agentRestarts },
    ...{ rollbacks: state.rollbacks, manualSwitches: state.manualSwitches },
    incidents: state.incidents.map(incidentView),
    checks
  }
}

function checkEvidence({ state, hours, failingSince }: EvidenceParts, check: CheckDefinition): CheckEvidence {
  const { name, severity, measures, unit } = check
  const found = hours[name] ?? { baseline: [], soak: [] }
  const open = state.incidents.find(({ rule, status }) => rule === checkRule(name) && status === 'open')
  return {
    ...{ name, severity, measures, unit, baseline: found.baseline, soak: found.soak },
    failedInBaseline: state.begun.baseline?.failing.includes(name) ?? false,
    failingSince: open?.openedAt ?? (state.endedAt === null ? failingSince(check) : null)
  }
}

const samples = (hours: readonly HourOfCheck[]) =>
  hours.reduce((sum, { pass, warn, fail, unknown }) => sum + pass + warn + fail + unknown, 0)

/** An incident as others see it. */
export function incidentView({ rule: _, ...incident }: LedgerIncident): Incident {
  return incident
}
