import type { Evidence, Incident } from '../evidence.ts'
import type { Judged, Outcome } from '../result.ts'
import { counted } from '../words.ts'

const sinceStart: Pick<Judged, 'check' | 'window' | 'statistics'> = {
  check: null,
  window: 'since the start',
  statistics: []
}

/** No reboot that nobody asked for. Sleep is no reboot. */
export function rebootCriterion(evidence: Evidence): Judged {
  const unexpected = evidence.reboots.filter((reboot) => !reboot.expected)
  const expected = evidence.reboots.length - unexpected.length
  const last = unexpected.at(-1)
  return {
    ...sinceStart,
    name: 'unexpected-reboots',
    outcome: last === undefined ? 'pass' : 'fail',
    observed: counted(unexpected.length, 'reboot'),
    threshold: 'none',
    evidence:
      last === undefined
        ? `${counted(expected, 'reboot')} that somebody asked for`
        : `last at ${last.at}: ${last.cause}`
  }
}

/** Nothing took the generation back. */
export const rollbackCriterion = (evidence: Evidence): Judged =>
  none('rollbacks', evidence.rollbacks, 'rollback', 'rollbacks away from this generation')

/** Nobody switched past the agent: such a soak is not about this generation alone. */
export const manualSwitchCriterion = (evidence: Evidence): Judged =>
  none('manual-switches', evidence.manualSwitches, 'switch', 'switches past the agent')

function none(name: string, count: number, noun: string, evidence: string): Judged {
  const observed = count === 1 ? `1 ${noun}` : `${count} ${noun}${noun.endsWith('ch') ? 'es' : 's'}`
  return {
    ...sinceStart,
    name,
    outcome: count === 0 ? 'pass' : 'fail',
    observed,
    threshold: 'none',
    evidence
  }
}

/** Open incidents of one severity that nobody knows how to live with. CRITICAL ones count with a workaround, too. */
export function incidentCriterion(evidence: Evidence): Judged {
  const blocking = openIncidents(evidence).filter(
    (incident) =>
      incident.severity === 'critical' || (incident.severity === 'major' && !hasWorkaround(incident))
  )
  const minor = openIncidents(evidence).length - blocking.length
  const outcome: Outcome = blocking.length === 0 ? 'pass' : 'fail'
  const named = blocking.map(
    ({ id, severity, description }) => `${severity.toUpperCase()} ${id}: ${firstWords(description)}`
  )
  return {
    ...sinceStart,
    name: 'incidents',
    outcome,
    observed: counted(blocking.length, 'blocking incident'),
    threshold: 'no open CRITICAL, no open MAJOR without workaround',
    evidence: named.length > 0 ? named.join('; ') : `${counted(minor, 'other open incident')}`
  }
}

/** Open MAJOR incidents with a documented workaround: with them a GO has a condition. */
export const conditions = (evidence: Evidence): Incident[] =>
  openIncidents(evidence).filter((incident) => incident.severity === 'major' && hasWorkaround(incident))

const openIncidents = (evidence: Evidence) => evidence.incidents.filter(({ status }) => status === 'open')
const hasWorkaround = ({ workaround }: Incident) => workaround !== null && workaround.trim() !== ''
const firstWords = (text: string) => (text.length > 120 ? `${text.slice(0, 119)}…` : text)
