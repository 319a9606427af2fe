import type { HomeBaseline } from './observation.ts'

/** How an attempt on a host ended. */
export type AttemptEnd = 'rolled-back' | 'refused' | 'stuck'

/** What happened in a rollout, as it is kept: by the engine before it acts, or by a person. */
export type RolloutEvent =
  | { readonly kind: 'created' }
  /** Written before the host is asked. `before` is the newest operation that the host had. */
  | {
      readonly kind: 'started'
      readonly host: string
      readonly attempt: number
      readonly key: string
      readonly before: string | null
    }
  /** No operation is known to have begun; the same attempt is made again. `asked`: the request may have arrived. */
  | {
      readonly kind: 'not-begun'
      readonly host: string
      readonly asked: boolean
      readonly code: string
      readonly text: string
      readonly retryAt: string
    }
  /** The host knows the key of this attempt from before our records: the next attempt has another one. */
  | { readonly kind: 'key-known'; readonly host: string; readonly operation: string }
  | {
      readonly kind: 'failed'
      readonly host: string
      readonly end: AttemptEnd
      readonly code: string | null
      readonly text: string
      readonly operation: string | null
    }
  /** The host runs the generation since then. `baseline` is what its operation says that it ran before. */
  | {
      readonly kind: 'done'
      readonly host: string
      readonly since: string
      readonly baseline?: string | null
      readonly homes?: readonly HomeBaseline[]
    }
  /** The host was on for as long as it is to be watched. */
  | { readonly kind: 'soaked'; readonly host: string }
  /** Alerts fire that nobody has seen yet: the rollout halts until a person goes on. */
  | {
      readonly kind: 'alert-fired'
      readonly stage: string
      readonly alerts: string
      readonly firing: readonly string[]
      readonly text: string
    }
  | { readonly kind: 'drifted'; readonly host: string; readonly running: string | null }
  | { readonly kind: 'stage-passed'; readonly stage: string }
  | { readonly kind: 'finished' }
  | { readonly kind: 'paused' }
  | { readonly kind: 'resumed' }
  /** Hosts of the stage that wait for a signature are asked again. */
  | { readonly kind: 'approved'; readonly stage: string; readonly hosts?: readonly string[] }
  | { readonly kind: 'skipped'; readonly host: string }
  /** Another attempt; what the host did in `operation` is no longer held against it. */
  | {
      readonly kind: 'retried'
      readonly host: string
      readonly operation: string | null
      /** Also over what somebody else has put on the host. */
      readonly overDrift: boolean
    }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'superseded'; readonly by: string }

/** An event with who, when and why. */
export interface RolloutRecord {
  readonly seq: number
  /** RFC 3339. */
  readonly at: string
  readonly who: string
  readonly why: string | null
  readonly event: RolloutEvent
}
