import type { Phase } from '../../shared/operation/phase.ts'

/** What a runner that finds an unfinished operation does first. */
export type Recovery = 'resume' | 'cancel' | 'roll-back' | 'verify' | 'nothing'

interface Row {
  /** The runner died, the host did not. Every phase can be run again from its start. */
  readonly sameBoot: Recovery
  /** The host rebooted or lost power. */
  readonly afterReboot: Recovery | ((candidateRuns: boolean) => Recovery)
}

/** Exhaustive: a new phase does not compile until recovery has an answer. In doubt the answer is `roll-back`. */
const table: Record<Phase, Row> = {
  accepted: { sameBoot: 'resume', afterReboot: 'cancel' },
  fetching: { sameBoot: 'resume', afterReboot: 'cancel' },
  checking: { sameBoot: 'resume', afterReboot: 'cancel' },
  arming: { sameBoot: 'resume', afterReboot: 'cancel' },
  // The trial boot has come, or it ended in the baseline after all.
  staging: { sameBoot: 'resume', afterReboot: (candidateRuns) => (candidateRuns ? 'verify' : 'roll-back') },
  staged: { sameBoot: 'resume', afterReboot: (candidateRuns) => (candidateRuns ? 'verify' : 'roll-back') },
  activating: { sameBoot: 'resume', afterReboot: 'roll-back' },
  verifying: { sameBoot: 'resume', afterReboot: 'roll-back' },
  confirming: { sameBoot: 'resume', afterReboot: 'roll-back' },
  // Confirmed already: going on is right where the candidate is what booted, and only there.
  committing: {
    sameBoot: 'resume',
    afterReboot: (candidateRuns) => (candidateRuns ? 'resume' : 'roll-back')
  },
  'rolling-back': { sameBoot: 'resume', afterReboot: 'resume' },
  stuck: { sameBoot: 'resume', afterReboot: 'resume' },
  committed: { sameBoot: 'nothing', afterReboot: 'nothing' },
  'rolled-back': { sameBoot: 'nothing', afterReboot: 'nothing' },
  refused: { sameBoot: 'nothing', afterReboot: 'nothing' },
  cancelled: { sameBoot: 'nothing', afterReboot: 'nothing' }
}

/** The first step of a runner that starts on an operation in `phase`. A rollback operation is never given up. */
export function recover(found: {
  readonly phase: Phase
  readonly kind: 'activate' | 'rollback'
  readonly rebooted: boolean
  readonly candidateRuns: boolean
}): Recovery {
  const row = table[found.phase]
  if (!found.rebooted) return row.sameBoot
  const answer =
    typeof row.afterReboot === 'function' ? row.afterReboot(found.candidateRuns) : row.afterReboot
  return answer === 'cancel' && found.kind === 'rollback' ? 'resume' : answer
}
