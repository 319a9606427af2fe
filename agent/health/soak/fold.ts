import { BelayError } from '../../../shared/errors.ts'
import type { Gap, Incident, Reboot } from '../../../shared/verdict/evidence.ts'
import type { Begun, Happening, LedgerEvent } from './ledger-event.ts'
import type { Live } from './soak-clock.ts'

/** An incident, and the rule that opened it. */
export type LedgerIncident = Incident & { readonly rule: string | null }

/** What a ledger tells of one soak. */
export interface LedgerState extends Live {
  readonly begun: Begun
  readonly startedAt: string
  readonly endedAt: string | null
  readonly gaps: readonly Gap[]
  readonly reboots: readonly Reboot[]
  readonly agentRestarts: number
  readonly rollbacks: number
  readonly manualSwitches: number
  readonly incidents: readonly LedgerIncident[]
  /** Checks that fail since the baseline: no news. */
  readonly excused: readonly string[]
  /** Somebody said that the next reboot is wanted. */
  readonly expecting: { readonly by: string; readonly reason: string; readonly at: string } | null
  /** Where an earlier ledger was damaged. */
  readonly damage: string | null
}

/** Newest entries kept of each list, so that a ledger of years stays small. */
const KEPT = { gaps: 1000, reboots: 200, incidents: 300 } as const

const keep = <T>(list: readonly T[], more: readonly T[], kept: number) => [...list, ...more].slice(-kept)

/** Of too many incidents the oldest that is over goes; an open one only where all are open. */
function keepIncidents(all: readonly LedgerIncident[]): readonly LedgerIncident[] {
  if (all.length <= KEPT.incidents) return all
  const over = all.findIndex(({ status }) => status !== 'open')
  return all.toSpliced(Math.max(over, 0), 1)
}

/** Folds a ledger. Throws `journal-corrupt` for one that does not begin with a beginning. */
export function foldLedger(events: readonly LedgerEvent[]): LedgerState {
  const [first, ...rest] = events
  if (first === undefined) throw new BelayError('journal-corrupt', 'the ledger is empty')
  return rest.reduce(applyEvent, beginning(first))
}

function beginning({ sign, count, what }: LedgerEvent): LedgerState {
  if (what.type === 'carried') return { ...what.state, sign, count, damage: what.damage ?? what.state.damage }
  if (what.type !== 'begun')
    throw new BelayError('journal-corrupt', 'the ledger does not begin with a soak', { found: what.type })
  return {
    ...{ sign, count, begun: what, startedAt: sign.at, endedAt: null, gaps: [], reboots: [], incidents: [] },
    ...{ agentRestarts: 0, rollbacks: 0, manualSwitches: 0, expecting: null, damage: null },
    excused: what.baseline?.failing ?? []
  }
}

/** The state after one more event. */
export function applyEvent(state: LedgerState, { sign, count, what }: LedgerEvent): LedgerState {
  return happened({ ...state, sign, count }, what)
}

function happened(state: LedgerState, what: Happening): LedgerState {
  switch (what.type) {
    case 'begun':
    case 'carried':
      throw new BelayError('journal-corrupt', 'the ledger begins twice', { found: what.type })
    case 'started':
      return started(state, what)
    case 'slept':
      return { ...state, gaps: keep(state.gaps, [what.gap], KEPT.gaps) }
    case 'counted':
    case 'stopped':
      return state
    case 'reboot-expected':
      return { ...state, expecting: { by: what.by, reason: what.reason, at: what.at ?? state.sign.at } }
    case 'incident-opened': {
      const incident = { ...what.incident, rule: what.rule }
      return { ...state, incidents: keepIncidents([...state.incidents, incident]) }
    }
    case 'incident-changed':
      return {
        ...state,
        incidents: state.incidents.map((each) =>
          each.id === what.id ? changed(each, what, state.sign.at) : each
        )
      }
    case 'recovered':
      return { ...state, excused: state.excused.filter((check) => check !== what.check) }
    case 'rolled-back':
      return { ...state, rollbacks: state.rollbacks + 1 }
    case 'switched':
      return { ...state, manualSwitches: state.manualSwitches + 1 }
    case 'ended':
      return { ...state, endedAt: state.sign.at }
  }
}

function started(state: LedgerState, { reboot, gaps }: Extract<Happening, { type: 'started' }>): LedgerState {
  const all = keep(state.gaps, gaps, KEPT.gaps)
  if (reboot === null) return { ...state, gaps: all, agentRestarts: state.agentRestarts + 1 }
  return { ...state, gaps: all, reboots: keep(state.reboots, [reboot], KEPT.reboots), expecting: null }
}

function changed(
  incident: LedgerIncident,
  { status, workaround }: Extract<Happening, { type: 'incident-changed' }>,
  at: string
): LedgerIncident {
  const resolvedAt = status === 'open' ? null : (incident.resolvedAt ?? at)
  return { ...incident, status, workaround, resolvedAt }
}
