import { isOfSystem } from '../../../shared/api/profile.ts'
import type { GenerationRef } from '../../../shared/api/schemas.ts'
import { isTerminal } from '../../../shared/operation/phase.ts'
import type { OperationState } from '../../operation/state.ts'
import type { LedgerState } from './fold.ts'
import type { Cause } from './ledger-event.ts'

/** What is seen of a host when its ledger is brought up to date. */
export interface Seen {
  /** Oldest first. */
  readonly operations: readonly OperationState[]
  readonly running: string | null
  /** What the profile names, for the generation's number. */
  readonly profile: GenerationRef | null
}

/** A soak that has to begin, and what ended the one before. */
export interface Move {
  readonly cause: Cause
  readonly generation: GenerationRef
  /** The operation that brought it; null for what was done past the agent. */
  readonly operation: OperationState | null
  /** Newest operation that had ended by then. */
  readonly upTo: string | null
}

/** The next soak to begin, or null while the running generation is the one in soak. To be asked until it says null. */
export function nextMove(
  state: LedgerState | null,
  { operations: all, running, profile }: Seen
): Move | null {
  // A home that moves is no other system.
  const operations = all.filter(({ accepted }) => isOfSystem(accepted))
  const ended = operations.filter(({ phase }) => isTerminal(phase))
  const upTo = ended.at(-1)?.accepted.id ?? null
  const numbered = (storePath: string): GenerationRef => ({
    number: profile?.storePath === storePath ? profile.number : null,
    storePath
  })
  for (const operation of state === null ? [] : ended) {
    if (operation.accepted.id <= (state?.begun.operation ?? '')) continue
    const path = outcomeOf(operation)
    const committed = operation.phase === 'committed'
    if (path === null || (!committed && path === state?.begun.generation.storePath)) continue
    const cause = committed ? 'committed' : 'rolled-back'
    return { cause, generation: numbered(path), operation, upTo: operation.accepted.id }
  }
  // While an operation is on its way what runs is on trial.
  if (running === null || ended.length < operations.length) return null
  if (running === state?.begun.generation.storePath) return null
  return {
    cause: state === null ? 'found' : 'switched',
    generation: numbered(running),
    operation: null,
    upTo
  }
}

/** What runs after an operation; null where it changed nothing. */
function outcomeOf({ phase, accepted, baseline, retarget }: OperationState): string | null {
  if (phase === 'committed') return accepted.target.storePath
  if (phase !== 'rolled-back') return null
  const target = retarget ?? (accepted.kind === 'rollback' ? accepted.target : baseline?.generation)
  return target?.storePath ?? null
}
