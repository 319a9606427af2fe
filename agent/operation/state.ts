import type { GenerationRef } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import { canMove } from '../../shared/operation/phase.ts'
import type { JournalRecord } from '../journal/journal.ts'
import type { Accepted, Baseline, Event, Outcome } from './events.ts'

/** An operation as its journal tells it. */
export interface OperationState {
  readonly accepted: Accepted
  /** How the candidate comes to run: as the preflight has decided, or as it was asked for. */
  readonly mode: 'switch' | 'boot'
  readonly phase: Phase
  readonly reason: string | null
  readonly code: string | null
  readonly baseline: Baseline | null
  readonly activation: {
    readonly started: boolean
    readonly outcome: Outcome | null
    readonly endedMonotonicMs: number | null
  }
  readonly window: {
    readonly nonce: string
    readonly deadlineMonotonicMs: number
    readonly deadlineAt: string
  } | null
  readonly confirmedBy: string | null
  /** Boot out of which the operation has rebooted the host, the last of them, and why. */
  readonly rebooted: { readonly bootId: string; readonly reason: string } | null
  /** What the rollback goes to instead of its first target. */
  readonly retarget: GenerationRef | null
  readonly acceptedAt: string
  readonly updatedAt: string
  /** Boot in which the last record was written; another one now means that the host rebooted in between. */
  readonly bootId: string
}

type Records = readonly JournalRecord<Event>[]

/** Folds a journal to the state it tells. Throws `journal-corrupt` for an event that cannot follow. */
export function foldOperation(records: Records): OperationState {
  const [first, ...rest] = records
  if (first?.event.type !== 'accepted') {
    throw new BelayError('journal-corrupt', 'the journal does not begin with accepted', {
      found: first?.event.type,
      wanted: 'accepted'
    })
  }
  const start: OperationState = {
    accepted: first.event,
    mode: first.event.mode === 'boot' ? 'boot' : 'switch',
    phase: 'accepted',
    reason: first.event.reason,
    code: null,
    baseline: null,
    activation: { started: false, outcome: null, endedMonotonicMs: null },
    window: null,
    confirmedBy: null,
    rebooted: null,
    retarget: null,
    acceptedAt: first.at,
    updatedAt: first.at,
    bootId: first.bootId
  }
  return rest.reduce(
    (state, record) => ({ ...apply(state, record), updatedAt: record.at, bootId: record.bootId }),
    start
  )
}

function apply(state: OperationState, record: JournalRecord<Event>): OperationState {
  const { event } = record
  switch (event.type) {
    case 'accepted':
      throw new BelayError('journal-corrupt', 'accepted stands twice', { at: `line ${record.seq + 1}` })
    case 'moved':
      if (!canMove(state.phase, event.to)) {
        throw new BelayError('journal-corrupt', `no way from ${state.phase} to ${event.to}`, {
          found: event.to,
          at: `line ${record.seq + 1}`
        })
      }
      return {
        ...state,
        phase: event.to,
        reason: event.reason,
        code: event.code ?? null,
        activation: activationAfter(state, record, event.to)
      }
    case 'baseline':
      return { ...state, baseline: event, mode: event.mode ?? state.mode }
    case 'activation-started':
      return { ...state, activation: { started: true, outcome: null, endedMonotonicMs: null } }
    case 'activation-ended':
      return {
        ...state,
        activation: { started: true, outcome: event.outcome, endedMonotonicMs: record.monotonicMs }
      }
    case 'window-opened':
      return { ...state, window: event }
    case 'retargeted':
      return { ...state, retarget: event.target }
    case 'reboot-started':
      return { ...state, rebooted: { bootId: record.bootId, reason: event.reason } }
    case 'waiting':
      return { ...state, reason: event.reason }
    case 'confirmed':
      return { ...state, confirmedBy: event.principal }
    case 'approved':
      return state
    default:
      // Of a newer agent, which a rollback has left behind. What moves an operation is told by `moved` alone.
      event satisfies never
      return state
  }
}

/** A trial boot is the activation: it has ended, well, when the boot that it led to is looked at. */
function activationAfter(
  { mode, activation }: OperationState,
  { monotonicMs }: JournalRecord<Event>,
  to: Phase
): OperationState['activation'] {
  if (mode !== 'boot' || to !== 'verifying') return activation
  const outcome = { result: 'success', code: 'exited', status: '0' }
  return { started: true, outcome, endedMonotonicMs: monotonicMs }
}
