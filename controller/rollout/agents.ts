import { homeOf, isOfSystem } from '../../shared/api/profile.ts'
import type { PlannedHost } from '../../shared/api/rollout.ts'
import type { Host, Operation } from '../../shared/api/schemas.ts'
import type { Soak } from '../../shared/api/soak.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { DeployPorts, HostPlan } from '../deploy/context.ts'
import { contextOf } from '../deploy/context.ts'
import type { HostResult } from '../deploy/events.ts'
import { followAtMost } from '../deploy/follow.ts'
import { deployHost } from '../deploy/host.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { hostClient } from '../transport/host-client.ts'
import type { HostObservation, Verdict } from './observation.ts'
import type { Agents, Begun, Manner, StartRequest } from './ports.ts'

/** What the real hosts need. */
export type AgentPorts = Omit<DeployPorts, 'newKey' | 'signal'> & {
  readonly hosts: ReadonlyMap<string, FleetHost>
  /** The verdict on what a host runs; null where there is none. Asked only where a stage needs one. */
  readonly verdictOn: (host: FleetHost, storePath: string, signal: AbortSignal) => Promise<Verdict | null>
}

/** Milliseconds for a look at one host, so that a silent one does not hold up the others. */
const LOOK_TIMEOUT = 20_000

/** Errors after which another attempt may go well. */
const transient: readonly ErrorCode[] = [
  'host-unreachable',
  'request-timeout',
  'operation-running',
  'held',
  'outside-window',
  'no-space',
  'invalid-json',
  'internal'
]

/**
 * Seconds for which an operation is followed at a stretch. The next round follows it on, unless a person has ended the
 * rollout: then no host that never ends keeps what comes after it from being driven.
 */
const FOLLOW_SECONDS = 1800

/** The agents of the fleet, through tunnels. */
export function realAgents(ports: AgentPorts, followSeconds: number = FOLLOW_SECONDS): Agents {
  const hostOf = ({ name }: PlannedHost): FleetHost => {
    const host = ports.hosts.get(name)
    if (host !== undefined) return host
    throw new BelayError('invalid-rollout', `${name} is in the plan, and no longer in the inventory`, {
      found: name
    })
  }
  const planOf = (
    host: PlannedHost,
    { why, again, overDrift }: Omit<StartRequest, 'key'>,
    { revision, mode, reboot, back }: Manner
  ): HostPlan => {
    const fleetHost = hostOf(host)
    const { storePath } = host
    return {
      host: fleetHost,
      storePath,
      ...(host.homes === undefined ? {} : { homes: host.homes }),
      windowSeconds: fleetHost.windowSeconds,
      waitSeconds: followSeconds,
      reason: why,
      mode,
      reboot,
      again,
      overDrift,
      revision,
      planHash: host.planHash,
      outsideWindow: back
    }
  }
  return {
    async observe(host, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIMEOUT)])
      const at = ports.clock.now()
      try {
        await using tunnel = await ports.openTunnel(hostOf(host), limit)
        const client = hostClient(tunnel.socketPath)
        // In this order: what an operation has committed is then seen on the host.
        const { operations } = await client.operations()
        const look = observed(host, operations, await client.host(), at)
        if (!look.runsPlanned) return look
        const seen = host.soakSeconds === 0 ? look : { ...look, soakSeconds: await soakOf(client, host) }
        return { ...seen, verdict: await ports.verdictOn(hostOf(host), host.storePath, limit) }
      } catch (error) {
        signal.throwIfAborted()
        const late = `no answer within ${LOOK_TIMEOUT / 1000} s`
        return unreachable(host.name, at, limit.aborted ? late : describeError(error))
      }
    },
    async start(host, request, manner, signal) {
      let asked = false
      const newKey = () => {
        asked = true
        return request.key
      }
      const result = await deployHost(planOf(host, request, manner), { ...ports, signal, newKey })
      signal.throwIfAborted()
      return begunOf(result, asked)
    },
    async follow(host, operation, manner, signal) {
      const context = contextOf(planOf(host, { why: '', again: false, overDrift: false }, manner), {
        ...ports,
        signal,
        newKey: () => ''
      })
      context.operation = operation
      await followAtMost(context, operation).catch((error: unknown) => {
        signal.throwIfAborted()
        context.note(`no longer followed: ${describeError(error)}`)
      })
    }
  }
}

/** What a look at a host comes to. */
export function observed(
  { name, storePath, homes = [] }: PlannedHost,
  operations: readonly Operation[],
  host: Host,
  at: number
): HostObservation {
  const system = host.profiles.find(({ profile }) => profile === 'system')
  // Identities sort by time.
  const sorted = operations.filter(isOfSystem).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const own = sorted.findLast(({ kind, candidate }) => kind === 'activate' && candidate === storePath)
  const open = sorted.findLast((operation) => !isTerminal(operation.phase) && operation.id !== own?.id)
  const chosen = [system?.storePath, system?.running, system?.bootDefault ?? storePath]
  const areThere = homes.every(({ user, storePath }) => {
    const home = host.profiles.find(({ profile }) => profile === homeOf(user))
    return home?.storePath === storePath && home.running === storePath
  })
  return {
    host: name,
    reachable: true,
    at,
    error: null,
    runsPlanned: areThere && chosen.every((path) => path === storePath),
    running: system?.running ?? null,
    operation:
      own === undefined
        ? null
        : {
            id: own.id,
            phase: own.phase,
            code: own.code,
            reason: own.reason,
            updatedAt: own.updatedAt,
            baseline: own.baseline?.storePath ?? null,
            homes: (own.homes ?? []).flatMap(({ user, baseline }) =>
              baseline === null ? [] : [{ user, storePath: baseline.storePath }]
            )
          },
    newest: sorted.at(-1)?.id ?? null,
    otherRunning: open?.id ?? null,
    verdict: null,
    hold: host.hold === null ? null : `${host.hold.principal} holds it: ${host.hold.reason}`,
    soakSeconds: null
  }
}

/** What the ledger of the host says; null where it has none, or not of this generation. */
async function soakOf(
  client: ReturnType<typeof hostClient>,
  { storePath }: PlannedHost
): Promise<number | null> {
  const soak = await client.call<Soak>('GET', '/v1/soak').catch((error: unknown) => {
    if (codeOf(error) === 'no-soak' || codeOf(error) === 'not-found') return null
    throw error
  })
  return soak?.storePath === storePath ? soak.onSeconds : null
}

/** A look at a host that did not answer. */
export function unreachable(host: string, at: number, error: string): HostObservation {
  const nothing = {
    ...{ running: null, operation: null, newest: null, otherRunning: null, verdict: null },
    ...{ hold: null, soakSeconds: null }
  }
  return { host, reachable: false, at, error, runsPlanned: false, ...nothing }
}

/** Whether a deployment to one host began anything; its end is observed. */
function begunOf(result: HostResult, asked: boolean): Begun {
  const { operation, outcome } = result
  if (operation !== null || outcome === 'unchanged') return { is: 'begun', operation }
  const code = result.code ?? 'internal'
  const worthIt =
    result.outcome === 'unreachable' || transient.includes(code as ErrorCode) || code.startsWith('approval-')
  // Refused is an answer: then it is known that nothing began.
  return {
    is: 'not-begun',
    asked: asked && result.outcome !== 'refused',
    transient: worthIt,
    code,
    text: result.reason
  }
}
