import type {
  BaselineView,
  HistoryPage,
  IncidentChange,
  IncidentRequest,
  Soak as SoakView
} from '../../../shared/api/soak.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Evidence, Incident } from '../../../shared/verdict/evidence.ts'
import { severities } from '../../../shared/verdict/evidence.ts'
import { shortcoming } from './baselines.ts'
import { evidenceOf, incidentView, intervalsOf } from './evidence.ts'
import type { LedgerState } from './fold.ts'
import type { Baseline } from './ledger-event.ts'
import { incidentIdentity } from './rules.ts'
import type { Soak } from './soak.ts'

const DAY_MS = 24 * 3_600_000

/** The running soak. Throws `no-soak` while there is none. */
export async function currentSoak(soak: Soak): Promise<LedgerState> {
  if (soak.keeper.state === null) await soak.tick()
  if (soak.keeper.state !== null) return soak.now()
  throw new BelayError('no-soak', 'no soak has begun: the running system is not known yet')
}

/** The running soak in brief. */
export async function soakView(soak: Soak): Promise<SoakView> {
  const state = await currentSoak(soak)
  const { begun, count, reboots, incidents } = state
  const received = Math.min(Math.floor(count.expected), count.received)
  const open = (severity: Incident['severity']) =>
    incidents.filter((each) => each.status === 'open' && each.severity === severity).length
  const { waiting, bytes, dropped, begunAnew, aside, writable } = soak.history.state
  return {
    ...{ id: begun.soak, storePath: begun.generation.storePath, generation: begun.generation.number },
    ...{ cause: begun.cause, startedAt: state.startedAt, day: Math.floor(count.onMs / DAY_MS) + 1 },
    onSeconds: Math.floor(count.onMs / 1000),
    availableSeconds: Math.floor((count.onMs - count.unavailableMs) / 1000),
    expectedSamples: Math.floor(count.expected),
    receivedSamples: received,
    coverage: count.expected < 1 ? null : received / Math.floor(count.expected),
    reboots: reboots.length,
    unexpectedReboots: reboots.filter(({ expected }) => !expected).length,
    agentRestarts: state.agentRestarts,
    openIncidents: Object.fromEntries(
      severities.map((each) => [each, open(each)])
    ) as SoakView['openIncidents'],
    baselineShortcoming: begun.baseline === null ? 'there is none' : shortcoming(begun.baseline),
    damage: state.damage,
    history: { waiting, bytes, dropped, begunAnew, aside, writable }
  }
}

/** The newest soak of a store path, by default the running one. Throws `no-soak`. */
async function soakOf(soak: Soak, storePath: string | undefined): Promise<LedgerState> {
  const current = await currentSoak(soak)
  if (storePath === undefined || storePath === current.begun.generation.storePath) return current
  const found = await soak.ledgers.find(({ begun }) => begun.generation.storePath === storePath)
  if (found !== null) return found
  throw new BelayError('no-soak', `no soak of ${storePath} is known`, { found: storePath, at: 'storePath' })
}

/** All that a verdict is made from. Without a history the checks have no hours, and the rest is there. */
export async function evidence(soak: Soak, host: string, storePath: string | undefined): Promise<Evidence> {
  const state = await soakOf(soak, storePath)
  const now = soak.sign()
  const checks = [...soak.checks.values()]
  const query = {
    type: 'soak',
    checks: checks.map(({ name }) => name),
    ...intervalsOf(state, Date.parse(now.at))
  } as const
  const hours = checks.length === 0 ? {} : (await soak.history.ask(query)).soak
  return evidenceOf({
    ...{ host, state, asOf: now.at, checks, hours },
    failingSince: (check) => soak.failing.longEnough(check, now.monotonicMs)
  })
}

/** Incidents of the running soak and the open ones of earlier soaks of the same generation stay with their soak. */
export async function incidents(soak: Soak, storePath: string | undefined): Promise<readonly Incident[]> {
  return (await soakOf(soak, storePath)).incidents.map(incidentView)
}

export async function openIncident(
  soak: Soak,
  request: IncidentRequest,
  principal: string
): Promise<Incident> {
  const state = await currentSoak(soak)
  const { severity, description, workaround } = request
  const incident: Incident = {
    ...{ id: incidentIdentity(state), openedAt: state.sign.at, openedBy: principal, severity, description },
    ...{ status: 'open', resolvedAt: null, workaround: workaround ?? null }
  }
  await soak.note({ type: 'incident-opened', incident, rule: null })
  return incident
}

/** Changes an incident of the running soak. Throws `not-found`. */
export async function changeIncident(
  soak: Soak,
  id: string,
  change: IncidentChange,
  principal: string
): Promise<Incident> {
  const find = async () => (await currentSoak(soak)).incidents.find((each) => each.id === id)
  const incident = await find()
  if (!incident) {
    const wanted = (await currentSoak(soak)).incidents.map((each) => each.id)
    throw new BelayError('not-found', `the running generation has no incident ${id}`, { found: id, wanted })
  }
  const status = change.status ?? incident.status
  const workaround = change.workaround === undefined ? incident.workaround : change.workaround
  await soak.note({ type: 'incident-changed', id, status, workaround, by: principal })
  return incidentView((await find()) ?? incident)
}

export const baselineView = (baseline: Baseline): BaselineView => ({
  ...baseline,
  failedUnits: [...baseline.failedUnits],
  failing: [...baseline.failing],
  shortcoming: shortcoming(baseline)
})

export interface HistoryQuestion {
  readonly check: string
  readonly from: string | undefined
  readonly to: string | undefined
  readonly resolution: 'raw' | 'hour'
  readonly limit: number
}

/** A page of the history of one check; by default of the last day, or for hours of the last two weeks. */
export async function historyPage(soak: Soak, question: HistoryQuestion): Promise<HistoryPage> {
  const { check, resolution, limit } = question
  const to = timeOf(question.to, 'to') ?? Date.parse(soak.sign().at) + 1
  const from = timeOf(question.from, 'from') ?? to - (resolution === 'raw' ? 1 : 14) * DAY_MS
  const type = resolution === 'raw' ? 'samples' : 'hours'
  const done = await soak.history.ask({ type, check, interval: { from, to }, limit: limit + 1 })
  // One that is no longer asked for may have a past.
  if (!soak.checks.has(check) && done.samples.length + done.hours.length === 0)
    throw new BelayError('check-unknown', `no check ${check}, and nothing of it from that time`, {
      ...{ found: check, wanted: [...soak.checks.keys()], at: 'check' }
    })
  const over = [...done.samples.map(({ at }) => at), ...done.hours.map(({ hour }) => hour)][limit] ?? null
  return {
    check,
    samples: done.samples.slice(0, limit) as HistoryPage['samples'],
    hours: done.hours.slice(0, limit),
    next: over
  }
}

function timeOf(text: string | undefined, at: string): number | undefined {
  if (text === undefined) return undefined
  const ms = Date.parse(text)
  const good =
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text) && Number.isFinite(ms)
  if (good) return ms
  throw new BelayError('invalid-request', `${at} is not a time`, { found: text, wanted: 'RFC 3339', at })
}
