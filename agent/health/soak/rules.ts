import type { Severity } from '../../../shared/verdict/evidence.ts'
import type { CheckDefinition } from '../sample.ts'
import type { Failing } from './failing.ts'
import type { LedgerIncident, LedgerState } from './fold.ts'
import type { Happening } from './ledger-event.ts'

/** One that is resolved and comes back within this time is the same incident, in milliseconds. */
const SAME_MS = 3_600_000

/** Something that a rule found. */
export interface Finding {
  readonly rule: string
  readonly severity: Severity
  readonly description: string
  /** RFC 3339. */
  readonly since: string
}

export const checkRule = (name: string) => `check ${name}`

/** What has to be noted so that a finding is in the issues log: nothing while it is there and open. */
export function noteFinding(state: LedgerState, finding: Finding, nowMs: number): Happening | null {
  const { rule, severity, description, since } = finding
  const newest = state.incidents.findLast((incident) => incident.rule === rule)
  if (newest?.status === 'open') return null
  if (newest?.resolvedAt && nowMs - Date.parse(newest.resolvedAt) < SAME_MS)
    return {
      type: 'incident-changed',
      id: newest.id,
      status: 'open',
      workaround: newest.workaround,
      by: rule
    }
  const incident = {
    ...{ id: incidentIdentity(state), openedAt: since, openedBy: `rule: ${rule}`, severity },
    ...{
      description: description.slice(0, 2000),
      status: 'open' as const,
      resolvedAt: null,
      workaround: null
    }
  }
  return { type: 'incident-opened', incident, rule }
}

/** Identity of the next incident: that of the soak, and a number. */
export function incidentIdentity({ begun, incidents }: LedgerState): string {
  const newest = Number(incidents.at(-1)?.id.split('-')[1] ?? 0)
  return `${begun.soak}-${newest + 1}`
}

/** What the checks, as they are now, have to say to the issues log. A failure that the baseline had already says nothing. */
export function judgeChecks(
  state: LedgerState,
  checks: Iterable<CheckDefinition>,
  failing: Failing,
  now: { readonly monotonicMs: number; readonly ms: number }
): readonly Happening[] {
  const failed = new Set(failing.names())
  const recovered = state.excused.filter((check) => failing.passed(check))
  const noted: Happening[] = recovered.map((check) => ({ type: 'recovered', check }))
  for (const check of checks) {
    const { name, severity, forSeconds } = check
    const open = openByRule(state, checkRule(name))
    if (state.excused.includes(name)) continue
    const since = failing.longEnough(check, now.monotonicMs)
    if (since !== null) {
      const description = `check ${name} fails for ${forSeconds} s and longer`
      const finding = noteFinding(state, { rule: checkRule(name), severity, description, since }, now.ms)
      if (finding !== null) noted.push(finding)
    } else if (open && !failed.has(name) && failing.passed(name)) noted.push(resolved(open))
  }
  return noted
}

const openByRule = (state: LedgerState, rule: string) =>
  state.incidents.find((incident) => incident.rule === rule && incident.status === 'open')

const resolved = ({ id, workaround }: LedgerIncident): Happening => ({
  ...{ type: 'incident-changed', id, status: 'resolved', workaround, by: 'rule: it passes again' }
})

/** Whether a critical check fails that did not in the baseline. */
export function isAvailable(
  state: LedgerState,
  checks: ReadonlyMap<string, CheckDefinition>,
  failing: Failing
): boolean {
  const counts = (name: string) => checks.get(name)?.severity === 'critical' && !state.excused.includes(name)
  return !failing.names().some(counts)
}
