/** Why a host does not move, and what would change that. Closed: programs may branch on it. */
export const reasonCodes = {
  'waiting-for-stage': 'An earlier stage has not passed',
  'waiting-for-soak': 'The stage before is being watched',
  'waiting-for-verdict': 'The stage before has no verdict that is good enough',
  'waiting-for-host': 'A host that comes before it does not run the new generation yet',
  'waiting-for-approval': 'A person has to approve the stage',
  'waiting-for-window': 'It may not be changed at this time of the day',
  'waiting-for-reboot': 'The generation is staged; the next boot brings it',
  'gate-failing': 'A gate is not open, or an engine does not tell its alerts',
  'checklist-incomplete': 'A point of the production checklist that the policy asks for has no evidence',
  'alert-firing': 'An alert fires; nobody moves until a person decides',
  'budget-used': 'Too many hosts of its role or tag are under way or down',
  'parallel-used': 'As many hosts are under way as may be',
  'backing-off': 'An attempt to begin failed; another one follows',
  busy: 'The host has another operation under way',
  held: 'A person holds the host',
  away: 'The host is asleep or away, as it may be',
  unreachable: 'The host should answer and does not',
  'rolled-back': 'The host went back to its old generation',
  refused: 'The host did not take the generation; nothing was changed',
  stuck: 'The rollback failed on the host; a person is needed',
  drifted: 'The host ran the generation, and now runs another one',
  'no-go': 'The verdict on the host is against it',
  'known-bad': 'The host has rolled back from this generation before',
  halted: 'Another host regressed; nobody moves until a person decides',
  paused: 'A person paused the rollout',
  skipped: 'A person left the host out',
  superseded: 'A newer rollout took over',
  finished: 'The rollout has ended without it',
  aborted: 'A person ended the rollout'
} as const

export type ReasonCode = keyof typeof reasonCodes

/** Why one host does not move. */
export interface Reason {
  readonly code: ReasonCode
  /** Since when, RFC 3339. */
  readonly since: string
  readonly text: string
  /** What would change it. */
  readonly unblock: string
}

/** A reason whose beginning is not known yet. */
export type Because = Omit<Reason, 'since'>

/** Reasons that say that the new generation did harm; they halt the rollout. */
export const regressions: readonly ReasonCode[] = [
  'rolled-back',
  'refused',
  'stuck',
  'drifted',
  'no-go',
  'known-bad'
]

/** The reason, dated: it began when it was first seen with the same code. */
export function dated(because: Because, before: Reason | undefined, now: number): Reason {
  const since = before?.code === because.code ? before.since : new Date(now).toISOString()
  return { code: because.code, since, text: because.text, unblock: because.unblock }
}
