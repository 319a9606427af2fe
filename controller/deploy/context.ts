import type { AgentClient } from '../../shared/agent-client/client.ts'
import type { ProfileName } from '../../shared/api/profile.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { hostClient } from '../transport/host-client.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import type { Clock } from './clock.ts'
import { backOffMs } from './clock.ts'
import type { DeployEvent, Step } from './events.ts'

/** What a deployment needs from outside. */
export interface DeployPorts {
  readonly openTunnel: OpenTunnel
  readonly push: (host: FleetHost, storePath: string) => Promise<void>
  /** What is done, or must be there, between the copy of a system and its activation; throws where it is not. */
  readonly prepare?: (host: FleetHost, storePath: string) => Promise<void>
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly emit: (event: DeployEvent) => void
  /** A new idempotency key. */
  readonly newKey: () => string
}

/** A home that moves together with the system of its host. */
export interface HomePlan {
  readonly user: string
  readonly storePath: string
  /** Hash of the plan that was read; the host refuses another. */
  readonly planHash?: string | null
}

/** What is to happen to one host. */
export interface HostPlan {
  readonly host: FleetHost
  /** Under which it is told; the name of the host where there is none. */
  readonly name?: string
  /** A home alone; the system where nothing is said. */
  readonly profile?: ProfileName
  readonly storePath: string
  readonly homes?: readonly HomePlan[]
  readonly windowSeconds: number
  /** How long its operation is followed at most. */
  readonly waitSeconds: number
  readonly reason: string | null
  /** How the candidate comes to run; null leaves it to the agent. */
  readonly mode: ActivationMode | null
  /** Reboots into what is staged at once. */
  readonly reboot: boolean
  /** Also a generation that the host has marked bad. */
  readonly again: boolean
  /** Also over what somebody else has put there. */
  readonly overDrift: boolean
  /** Revision that it belongs to, where it has one. */
  readonly revision?: number
  /** Hash of the plan that was read; the host refuses another. */
  readonly planHash?: string | null
  /** Also outside the windows of the host. */
  readonly outsideWindow: boolean
}

/** One host's deployment while it runs. */
export interface Context extends DeployPorts {
  readonly plan: HostPlan
  step(step: Step, message: string): void
  note(message: string): void
  /** When the agent last answered, in milliseconds of the clock. */
  lastContact: number
  /** News heard from the operation; a new one means that the connection was of use. */
  news: number
  /** A request to start an operation has left: from here on, silence does not mean that nothing happens. */
  asked: boolean
  operation: string | null
}

/** Under which a plan is told. */
export const nameOf = ({ name, host }: HostPlan) => name ?? host.name

/** The context of one host. */
export function contextOf(plan: HostPlan, ports: DeployPorts): Context {
  const host = nameOf(plan)
  const at = () => new Date(ports.clock.now()).toISOString()
  return {
    ...ports,
    plan,
    step: (step, message) => ports.emit({ type: 'step', at: at(), host, step, message }),
    note: (message) => ports.emit({ type: 'note', at: at(), host, message }),
    lastContact: ports.clock.now(),
    news: 0,
    asked: false,
    operation: null
  }
}

/** Errors that another attempt over a new connection may not meet again. */
const worthRetrying: readonly ErrorCode[] = [
  'host-unreachable',
  'request-timeout',
  'connection-too-old',
  'invalid-json',
  'internal'
]

/**
 * Does something over a fresh tunnel; over another one, with back-off, as long as the connection breaks and the
 * agent has been silent for less than `patienceMs`.
 */
export async function overTunnel<T>(
  context: Context,
  patienceMs: number,
  act: (client: AgentClient) => Promise<T>
): Promise<T> {
  const { clock, signal, plan } = context
  for (let attempt = 0; ; attempt++) {
    const newsBefore = context.news
    try {
      await using tunnel = await context.openTunnel(plan.host, signal)
      return await act(hostClient(tunnel.socketPath))
    } catch (error) {
      signal.throwIfAborted()
      if (!worthRetrying.includes(codeOf(error))) throw error
      if (context.news > newsBefore) attempt = 0
      const silentMs = clock.now() - context.lastContact
      if (silentMs >= patienceMs) {
        const why = describeError(error)
        throw new BelayError(codeOf(error), `${why} (for ${Math.round(silentMs / 1000)} s)`, { cause: error })
      }
      if (attempt === 0) context.note(`no connection, trying again: ${describeError(error)}`)
      await clock.sleep(backOffMs(attempt, clock.random()), signal)
    }
  }
}
