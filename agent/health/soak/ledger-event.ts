import type { GenerationRef } from '../../../shared/api/schemas.ts'
import type { Gap, Incident, Reboot } from '../../../shared/verdict/evidence.ts'
import type { LedgerState } from './fold.ts'
import type { Live } from './soak-clock.ts'

/** The host before an activation, as far as it has to outlive a damaged history. */
export interface Baseline {
  /** Sorts by time. */
  readonly id: string
  readonly takenAt: string
  /** The system that ran. */
  readonly storePath: string
  readonly operation: string | null
  readonly takenBy: string
  readonly failedUnits: readonly string[]
  /** Checks that failed. */
  readonly failing: readonly string[]
  /** Which hours of the history belong to it, RFC 3339. */
  readonly from: string
  readonly to: string
  /** Hours in that time that have samples. */
  readonly hours: number
  readonly bootSeconds: number | null
  readonly activationSeconds: number | null
}

/** How a generation came to run. */
export type Cause = 'committed' | 'rolled-back' | 'switched' | 'found'

export interface Begun {
  readonly type: 'begun'
  /** Identity of the soak; sorts by time. */
  readonly soak: string
  readonly generation: GenerationRef
  readonly cause: Cause
  /** The operation that brought it, or the newest one that had ended by then. */
  readonly operation: string | null
  readonly baselinePath: string | null
  readonly baseline: Baseline | null
  readonly activationSeconds: number | null
}

/** What happened to a host in soak. */
export type Happening =
  | Begun
  /** The agent started: after a reboot, or by itself. */
  | {
      readonly type: 'started'
      readonly version: string
      readonly reboot: Reboot | null
      readonly gaps: readonly Gap[]
    }
  | { readonly type: 'slept'; readonly gap: Gap }
  /** Nothing but the count: once a day. */
  | { readonly type: 'counted' }
  /** The agent was told to stop. */
  | { readonly type: 'stopped' }
  /** `at`: when it was said, where that was in the soak before. */
  | { readonly type: 'reboot-expected'; readonly by: string; readonly reason: string; readonly at?: string }
  | { readonly type: 'incident-opened'; readonly incident: Incident; readonly rule: string | null }
  | {
      readonly type: 'incident-changed'
      readonly id: string
      readonly status: Incident['status']
      readonly workaround: string | null
      readonly by: string
    }
  /** A check that failed already in the baseline has passed: from now on its failures are new. */
  | { readonly type: 'recovered'; readonly check: string }
  | { readonly type: 'rolled-back'; readonly operation: string; readonly reason: string }
  | { readonly type: 'switched'; readonly to: string }
  | { readonly type: 'ended'; readonly to: string }
  /** Stands for all that was before: in a ledger that became long, or that was damaged behind it. */
  | { readonly type: 'carried'; readonly state: LedgerState; readonly damage: string | null }

/** A line of the ledger. The count is that of its moment, so that no line before is needed to know it. */
export interface LedgerEvent extends Live {
  readonly what: Happening
}
