import type { Phase } from '../../shared/operation/phase.ts'

/** What a verdict may say. */
export type Verdict = 'go' | 'conditional-go' | 'no-go' | 'insufficient-evidence'

/** What a home was before an operation. */
export interface HomeBaseline {
  readonly user: string
  readonly storePath: string
}

/** The newest operation of a host that has the planned generation as candidate. */
export interface SeenOperation {
  readonly id: string
  readonly phase: Phase
  readonly code: string | null
  readonly reason: string | null
  readonly updatedAt: string
  /** What the host ran before it. */
  readonly baseline: string | null
  /** The same of the homes that moved with it. */
  readonly homes?: readonly HomeBaseline[]
}

/** What was last seen of one host. */
export interface HostObservation {
  readonly host: string
  readonly reachable: boolean
  /** When it was looked at, milliseconds since 1970. */
  readonly at: number
  /** Why it was not reached. */
  readonly error: string | null
  /** Profile, running system and boot default are the planned generation. */
  readonly runsPlanned: boolean
  readonly running: string | null
  readonly operation: SeenOperation | null
  /** The newest operation of any kind. */
  readonly newest: string | null
  /** An operation for something else that has not ended. */
  readonly otherRunning: string | null
  readonly verdict: Verdict | null
  /** Why the host holds itself, or null. */
  readonly hold: string | null
  /** Seconds for which it was on with the planned generation, by its own ledger; null where it does not tell. */
  readonly soakSeconds: number | null
}

/** What a gate said. */
export interface GateResult {
  readonly open: boolean
  /** Milliseconds since 1970. */
  readonly at: number
  readonly message: string
  /** Of alerts: those that fire. */
  readonly firing?: readonly string[]
}

/** All that a decision knows of the world. */
export interface Observations {
  readonly hosts: ReadonlyMap<string, HostObservation>
  readonly gates: ReadonlyMap<string, GateResult>
  /** Why a host is held now: the hold may be newer than the plan. */
  readonly holds: ReadonlyMap<string, string>
  /** Hosts on which this process is at work at this moment. */
  readonly active: ReadonlySet<string>
  /** Hosts that something else takes down, such as a reboot that was granted: they use up budgets too. */
  readonly outside?: ReadonlySet<string>
}

/** Under which a gate's result is kept. */
export function gateKey(
  stage: string,
  when: 'before' | 'after' | 'alerts' | 'checklist',
  gate: string
): string {
  return `${stage} ${when} ${gate}`
}
