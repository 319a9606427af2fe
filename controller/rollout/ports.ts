import type { PlannedAlerts, PlannedGate, PlannedHost } from '../../shared/api/rollout.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import type { GateResult, HostObservation } from './observation.ts'

/** What came of asking a host to begin. What became of it is then observed. */
export type Begun =
  /** `operation`: what the host answered with; null where it runs the generation already. */
  | { readonly is: 'begun'; readonly operation: string | null }
  /** `asked`: the request left, and nobody knows whether it arrived. `transient`: worth another attempt. */
  | {
      readonly is: 'not-begun'
      readonly asked: boolean
      readonly transient: boolean
      readonly code: string
      readonly text: string
    }

/** How a host is asked. The same key always comes with the same request. */
export interface StartRequest {
  readonly key: string
  readonly why: string
  /** Also a generation that the host has marked bad. */
  readonly again: boolean
  readonly overDrift: boolean
}

/** How a host is changed, as the plan has it for all hosts of a stage. */
export interface Manner {
  readonly revision: number
  readonly mode: ActivationMode | null
  readonly reboot: boolean
  /** A way back, which a person has asked for: also outside the windows of the host. */
  readonly back: boolean
}

/** The hosts, as the engine reaches them. */
export interface Agents {
  /** Never throws, except when interrupted. */
  observe(host: PlannedHost, signal: AbortSignal): Promise<HostObservation>
  /** Begins and follows to the end. The same key is the same operation. Never throws, except when interrupted. */
  start(host: PlannedHost, request: StartRequest, manner: Manner, signal: AbortSignal): Promise<Begun>
  /** Follows, and confirms, an operation that was begun before. Never throws, except when interrupted. */
  follow(host: PlannedHost, operation: string, manner: Manner, signal: AbortSignal): Promise<void>
}

/** Looks at a gate. Never throws, except when interrupted. */
export type LookAtGate = (gate: PlannedGate, signal: AbortSignal) => Promise<Omit<GateResult, 'at'>>

/** Looks for the evidence that the plan wants of a host. Never throws, except when interrupted. */
export type LookAtChecklist = (host: PlannedHost, signal: AbortSignal) => Promise<Omit<GateResult, 'at'>>

/** Asks for alerts. Never throws, except when interrupted. */
export type LookAtAlerts = (
  alerts: PlannedAlerts,
  signal: AbortSignal
) => Promise<Omit<GateResult, 'at'> & { readonly firing: readonly string[] }>
