import { agentClient } from '../../shared/agent-client/client.ts'
import type { Drift } from '../../shared/api/drift.ts'
import type { Hold } from '../../shared/api/hold.ts'
import { isOfSystem } from '../../shared/api/profile.ts'
import type { Host, Operation } from '../../shared/api/schemas.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'

/** What a host says about itself, or why it says nothing. */
export interface HostStatus {
  readonly host: string
  readonly reachable: boolean
  readonly error: { readonly code: string; readonly message: string } | null
  readonly generation: number | null
  readonly running: string | null
  readonly drift: boolean | null
  readonly drifts: readonly Drift[]
  readonly lastOperation: {
    readonly id: string
    readonly phase: Phase
    readonly updatedAt: string
    readonly reason: string | null
  } | null
  readonly agentVersion: string | null
  /** Why nothing is activated there; an older agent knows none. */
  readonly hold: Hold | null
}

/** Milliseconds for one host, so that a silent one does not hold up the others. */
const HOST_TIMEOUT = 20_000

/** Asks one host. Never throws, except when interrupted. */
export async function hostStatus(
  host: FleetHost,
  openTunnel: OpenTunnel,
  signal: AbortSignal
): Promise<HostStatus> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(HOST_TIMEOUT)])
  try {
    await using tunnel = await openTunnel(host, limit)
    const client = agentClient(tunnel.socketPath)
    const [state, { operations }] = await Promise.all([client.host(), client.operations()])
    return reachable(host.name, state, operations)
  } catch (error) {
    signal.throwIfAborted()
    const message = limit.aborted ? `no answer within ${HOST_TIMEOUT / 1000} s` : describeError(error)
    const code = limit.aborted ? 'host-unreachable' : codeOf(error)
    const nothing = {
      generation: null,
      running: null,
      drift: null,
      drifts: [],
      lastOperation: null,
      agentVersion: null,
      hold: null
    }
    return { host: host.name, reachable: false, error: { code, message }, ...nothing }
  }
}

function reachable(name: string, state: Host, operations: readonly Operation[]): HostStatus {
  const system = state.profiles.find((profile) => profile.profile === 'system')
  const last = operations
    .filter(isOfSystem)
    .reduce<Operation | undefined>(
      (latest, operation) => (latest === undefined || operation.id > latest.id ? operation : latest),
      undefined
    )
  return {
    host: name,
    reachable: true,
    error: null,
    generation: system?.number ?? null,
    running: system?.running ?? null,
    drift: system?.drift ?? null,
    // An agent of before names none.
    drifts: system?.drifts ?? [],
    lastOperation:
      last === undefined
        ? null
        : { id: last.id, phase: last.phase, updatedAt: last.updatedAt, reason: last.reason },
    agentVersion: state.agentVersion,
    hold: state.hold ?? null
  }
}
