import type { Drift } from '../../shared/api/drift.ts'
import type { Hold } from '../../shared/api/hold.ts'
import type { HomeKind } from '../../shared/api/home.ts'
import type { ProfileName } from '../../shared/api/profile.ts'
import { homeOf } from '../../shared/api/profile.ts'
import type { Host, Operation, ProfileState } from '../../shared/api/schemas.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { hostClient } from '../transport/host-client.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'

/** The newest operation on a profile. */
export interface LastOperation {
  readonly id: string
  readonly phase: Phase
  readonly updatedAt: string
  readonly reason: string | null
}

/** What a host says of one of its homes. */
export interface HomeStatus {
  readonly user: string
  readonly kind: HomeKind
  /** Why it could not be looked at, or what is wrong with it. */
  readonly problem: string | null
  readonly generation: number | null
  readonly running: string | null
  readonly drifts: readonly Drift[]
  readonly lastOperation: LastOperation | null
  readonly hold: Hold | null
}

/** What a host says about itself, or why it says nothing. */
export interface HostStatus {
  readonly host: string
  readonly reachable: boolean
  readonly error: { readonly code: string; readonly message: string } | null
  readonly generation: number | null
  readonly running: string | null
  readonly drift: boolean | null
  readonly drifts: readonly Drift[]
  readonly lastOperation: LastOperation | null
  /** The homes that are looked after there; an older agent knows none. */
  readonly homes: readonly HomeStatus[]
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
    const client = hostClient(tunnel.socketPath)
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
      homes: [],
      agentVersion: null,
      hold: null
    }
    return { host: host.name, reachable: false, error: { code, message }, ...nothing }
  }
}

function reachable(name: string, state: Host, operations: readonly Operation[]): HostStatus {
  const system = state.profiles.find((profile) => profile.profile === 'system')
  return {
    host: name,
    reachable: true,
    error: null,
    generation: system?.number ?? null,
    running: system?.running ?? null,
    drift: system?.drift ?? null,
    // An agent of before names none.
    drifts: system?.drifts ?? [],
    lastOperation: lastOf(operations, 'system'),
    homes: state.profiles.flatMap((profile) => homeStatus(profile, operations)),
    agentVersion: state.agentVersion,
    hold: state.hold ?? null
  }
}

function homeStatus(seen: ProfileState, operations: readonly Operation[]): HomeStatus[] {
  const { profile, number, running, drifts, home } = seen
  if (home === undefined) return []
  const { user, kind, problem, hold } = home
  const lastOperation = lastOf(operations, profile)
  return [{ user, kind, problem, generation: number, running, drifts, lastOperation, hold }]
}

/** The newest operation that moved a profile, with others or alone. Agents of before name none: they know the system. */
function lastOf(operations: readonly Operation[], wanted: ProfileName): LastOperation | null {
  const on = operations.filter(
    ({ profile = 'system', homes = [] }) =>
      profile === wanted || homes.some(({ user }) => homeOf(user) === wanted)
  )
  const last = on.toSorted((a, b) => (a.id < b.id ? -1 : 1)).at(-1)
  if (last === undefined) return null
  const { id, phase, updatedAt, reason } = last
  return { id, phase, updatedAt, reason }
}
