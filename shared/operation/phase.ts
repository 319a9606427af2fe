/**
 * The life of an operation, written once. `accepted` to `arming` change nothing on the host; from `activating` or
 * `staging` on, anything but a clean yes leads to `rolling-back`.
 */
export const transitions = {
  /** Durable; nobody has looked at the candidate yet. A `rollback` operation goes straight to rolling-back. */
  accepted: ['fetching', 'rolling-back', 'refused', 'cancelled'],
  /** The candidate becomes valid in the store and rooted. */
  fetching: ['checking', 'refused', 'cancelled'],
  /** Preflight; the baseline is recorded. */
  checking: ['arming', 'refused', 'cancelled'],
  /** The guard is armed and seen to be armed. */
  arming: ['activating', 'staging', 'refused', 'cancelled'],
  /** Mode boot: the candidate becomes the next boot, once; the boot default stays the baseline. */
  staging: ['staged', 'verifying', 'rolling-back'],
  /** Waits for the reboot. No process waits with it: the boot, or somebody's word, goes on. */
  staged: ['verifying', 'rolling-back'],
  /** `switch-to-configuration test` of the candidate runs; profile and boot default are untouched. */
  activating: ['verifying', 'rolling-back'],
  /** What was fine before is still fine, and the agent of the new generation answers. */
  verifying: ['confirming', 'rolling-back'],
  /** Waits for the confirmation over a connection opened after the activation. */
  confirming: ['committing', 'rolling-back'],
  /** Profile, boot entry, known-good mark. */
  committing: ['committed', 'rolling-back'],
  /** The recorded target is brought back and verified. */
  'rolling-back': ['rolled-back', 'stuck'],
  /** The rollback failed; tried again with back-off until it works or a person comes. */
  stuck: ['rolling-back'],
  committed: [],
  'rolled-back': [],
  refused: [],
  cancelled: []
} as const satisfies Record<string, readonly string[]>

/** A phase of an operation. */
export type Phase = keyof typeof transitions

/** A phase that nothing follows. */
export type TerminalPhase = 'committed' | 'rolled-back' | 'refused' | 'cancelled'

/** Every phase, in the order of the table. */
export const phases = Object.keys(transitions) as Phase[]

/** True when nothing follows: the operation has ended. */
export function isTerminal(phase: Phase): phase is TerminalPhase {
  return transitions[phase].length === 0
}

/** True when the table allows `from` → `to`. */
export function canMove(from: Phase, to: Phase): boolean {
  return (transitions[from] as readonly string[]).includes(to)
}
