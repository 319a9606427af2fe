import type { Phase } from '../../shared/operation/phase.ts'

/** What the controller does for a host before the host has an operation. */
export type ControllerStep = 'waiting' | 'building' | 'connecting' | 'pushing' | 'preparing'

/** Where a host is in a deployment. */
export type Step = ControllerStep | Phase

/** How a host ended. */
export const outcomes = {
  /** It runs the candidate, and boots it next time. */
  committed: true,
  /** It ran the candidate before. */
  unchanged: true,
  /** The next boot is the candidate, on trial; nobody asked for the reboot yet. */
  staged: true,
  /** It is back at its baseline. */
  'rolled-back': false,
  /** The agent did not take the candidate; nothing was changed. */
  refused: false,
  /** Somebody cancelled the operation; nothing was changed. */
  cancelled: false,
  /** The rollback failed; the host keeps trying; a person is needed. */
  stuck: false,
  /** Nobody knows: the host decides alone. */
  unreachable: false,
  /** The operator stopped following; the host goes on by itself. */
  'not-followed': false,
  /** The controller did not start an operation; nothing was changed. */
  'not-started': false
} as const

/** How a host ended. */
export type Outcome = keyof typeof outcomes

/** The end of one host's deployment. */
export interface HostResult {
  readonly host: string
  readonly outcome: Outcome
  readonly reason: string
  readonly code: string | null
  readonly storePath: string | null
  readonly operation: string | null
  readonly seconds: number
}

/** What happens during a deployment. One line of NDJSON each. */
export type DeployEvent =
  | {
      readonly type: 'step'
      readonly at: string
      readonly host: string
      readonly step: Step
      readonly message: string
    }
  /** Something about the present step: a retry, a confirmation. */
  | { readonly type: 'note'; readonly at: string; readonly host: string; readonly message: string }
  /** A line that a program printed, here (Nix) or on the host (activation). */
  | { readonly type: 'output'; readonly at: string; readonly host: string; readonly line: string }
  | { readonly type: 'result'; readonly at: string; readonly result: HostResult }

/** True when every host runs, or waits to boot, what was asked for. */
export function allWell(results: readonly HostResult[]): boolean {
  return results.every((result) => outcomes[result.outcome])
}
