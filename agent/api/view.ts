import type { Operation, OperationEvent } from '../../shared/api/schemas.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { JournalRecord } from '../journal/journal.ts'
import type { Accepted, Baseline, Event } from '../operation/events.ts'
import type { HomeTarget } from '../operation/parts.ts'
import { baselineOfHome } from '../operation/parts.ts'
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
    ...(accepted.homes === undefined ? {} : { homes: homesView(accepted.homes, baseline) }),
    principal: accepted.principal,
    acceptedAt: state.acceptedAt,
    updatedAt: state.updatedAt,
    confirm: accepted.confirm,
    confirmation: open ? { nonce: mayConfirm ? window.nonce : null, deadline: window.deadlineAt } : null,
    terminal: isTerminal(phase)
  }
}

const homesView = (
  homes: readonly HomeTarget[],
  baseline: Baseline | null
): NonNullable<Operation['homes']> =>
  homes.map(({ user, storePath }) => ({
    ...{ user, candidate: storePath },
    baseline: (baseline && baselineOfHome(baseline, user)?.generation) ?? null
  }))

/** A journal record as an event of the API; `phase` is the one that it leads to. */
export function eventView(
  { id, profile }: Pick<Accepted, 'id' | 'profile'>,
  record: JournalRecord<Event>,
  phase: Operation['phase']
): OperationEvent {
  return {
    type: 'operation',
    at: record.at,
    operation: id,
    profile,
    seq: record.seq,
    phase,
    message: describeEvent(record.event)
  }
}
