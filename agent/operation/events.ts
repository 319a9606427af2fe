import type { CheckName, PreflightResult } from '../../shared/api/preflight.ts'
import type { ProfileName } from '../../shared/api/profile.ts'
import type { RebootNeed } from '../../shared/api/reboot.ts'
import type { ActivationMode, ConfirmPolicy, GenerationRef, Role } from '../../shared/api/schemas.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import type { CheckResult } from '../../shared/verdict/evidence.ts'
import type { Transport } from './confirmable.ts'

/** By which way something was asked for. */
export interface Origin {
  readonly role: Role
  readonly transport: Transport
  /** Identity of the request, as the answer and the daemon's log have it. */
  readonly request?: string
}

/** What was admitted: the whole of it, so that the runner needs nothing from the daemon. */
export interface Accepted {
  readonly type: 'accepted'
  readonly id: string
  readonly kind: 'activate' | 'rollback'
  readonly profile: ProfileName
  /** Store path to activate; for a rollback the path to go back to. */
  readonly target: GenerationRef
  /** For a rollback the system that ran when it was asked for, which is no place to go back to afterwards. */
  readonly from?: string | null
  /** How the candidate comes to run; `switch` where an older journal says nothing. */
  readonly mode?: ActivationMode
  readonly confirm: ConfirmPolicy
  /** Homes that move with the system, in this operation. */
  readonly homes?: readonly {
    readonly user: string
    readonly storePath: string
    readonly planHash?: string
  }[]
  /** Revision of the desired state that it was asked for, where it was. */
  readonly revision?: number
  /** Hash of the plan that was read; another one is refused. */
  readonly planHash?: string
  /** The principal wants it outside the maintenance windows too. */
  readonly outsideWindow?: true
  readonly principal: string
  /** Nothing in older journals, and where the agent goes to a desired state by itself. */
  readonly origin?: Origin
  readonly reason: string | null
  /** The caller's idempotency key and a hash of the request it came with. */
  readonly idempotency: { readonly key: string; readonly request: string } | null
}

/** The host before anything changed: what a rollback brings back and what verification compares with. */
export interface Baseline {
  readonly type: 'baseline'
  /** The running system; its number is the profile's when the profile points to it. */
  readonly generation: GenerationRef
  /** What the profile pointed to, which a rollback restores. */
  readonly profile: GenerationRef
  readonly failedUnits: readonly string[]
  /** How the candidate comes to run, `auto` decided; `switch` where an older journal says nothing. */
  readonly mode?: Exclude<ActivationMode, 'auto'>
  /** What of the candidate only a reboot brings. */
  readonly reboot?: RebootNeed
  /** What the checks that vote found, by name. */
  readonly checks?: Readonly<Record<string, CheckResult>>
  /** What preflight found; nothing of it kept the activation back. */
  readonly preflight?: readonly {
    readonly name: CheckName
    readonly result: PreflightResult
    readonly evidence: string
  }[]
  /** The homes that move with the system, by user. */
  readonly homes?: Readonly<Record<string, Baseline>>
}

/** An event in the journal of one operation. An intent (`…-started`) is durable before its effect. */
export type Event =
  | Accepted
  | Baseline
  | {
      readonly type: 'moved'
      readonly to: Phase
      readonly reason: string
      readonly code?: ErrorCode | string
    }
  | { readonly type: 'activation-started'; readonly unit: string }
  | { readonly type: 'activation-ended'; readonly outcome: Outcome }
  | {
      readonly type: 'window-opened'
      readonly nonce: string
      readonly deadlineMonotonicMs: number
      readonly deadlineAt: string
    }
  /** Somebody chose another system to go back to, by a request or by switching to it. */
  | { readonly type: 'retargeted'; readonly target: GenerationRef; readonly reason: string }
  /** Nothing is done until something else has happened, in words. */
  | { readonly type: 'waiting'; readonly reason: string }
  | { readonly type: 'confirmed'; readonly principal: string }
  /** The host is about to be rebooted, into this system. */
  | { readonly type: 'reboot-started'; readonly to: string; readonly reason: string }
  /** A signature that this operation has used up, whole, so that it can be verified again. */
  | {
      readonly type: 'approved'
      readonly approval: string
      readonly principal: string
      readonly key: string
      readonly statement: string
      readonly signature: string
    }

/** How an activation ended, as the service manager saw it (`$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS`). */
export interface Outcome {
  readonly result: string
  readonly code: string
  readonly status: string
}
