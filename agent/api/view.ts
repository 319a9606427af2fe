import type { Operation, OperationEvent } from '../../shared/api/schemas.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { JournalRecord } from '../journal/journal.ts'
import type { Event } from '../operation/events.ts'
import type { OperationState } from '../operation/state.ts'
import { describeEvent } from '../operation/watch.ts'

/** An operation as the API shows it. The nonce is for callers that may confirm. */
export function operationView(state: OperationState, mayConfirm: boolean): Operation {
  const { accepted, baseline, window, phase } = state
  const open = phase === 'confirming' && window !== null
  return {
    id: accepted.id,
    kind: accepted.kind,
    profile: accepted.profile,
    phase,
    reason: state.reason,
    code: state.code,
    mode: state.mode,
    candidate: accepted.kind === 'activate' ? accepted.target.storePath : null,
    baseline: baseline?.generation ?? (accepted.kind === 'rollback' ? accepted.target : null),
    principal: accepted.principal,
    acceptedAt: state.acceptedAt,
    updatedAt: state.updatedAt,
    confirm: accepted.confirm,
    confirmation: open ? { nonce: mayConfirm ? window.nonce : null, deadline: window.deadlineAt } : null,
    terminal: isTerminal(phase)
  }
}

/** A journal record as an event of the API; `phase` is the one that it leads to. */
export function eventView(
  id: string,
  record: JournalRecord<Event>,
  phase: Operation['phase']
): OperationEvent {
  return {
    type: 'operation',
    at: record.at,
    operation: id,
    seq: record.seq,
    phase,
    message: describeEvent(record.event)
  }
}
