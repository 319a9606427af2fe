import type { AgentClient } from '../../shared/agent-client/client.ts'
import type { CheckState } from '../../shared/api/checks.ts'
import type { HostState, HostSummary, HostVerdictSummary } from '../../shared/api/controller.ts'
import type { Operation } from '../../shared/api/schemas.ts'
import type { Soak } from '../../shared/api/soak.ts'
import { codeOf } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { StoredHost } from '../store/controller-store.ts'

/** Operations that are kept of a host; the host itself keeps more. */
const MAX_OPERATIONS = 20

/** Asks an agent for all that is kept of it. An older agent knows less. */
export async function lookAtAgent(client: AgentClient): Promise<HostState> {
  const { operations } = await client.operations()
  const [host, { checks }, soak] = await Promise.all([
    client.host(),
    client.checks().catch(missing<{ checks: CheckState[] }>({ checks: [] })),
    client.call<Soak>('GET', '/v1/soak').catch(missing<Soak | null>(null))
  ])
  return { host, operations: newest(operations), checks, soak }
}

/** For a route that the agent does not have, or that has nothing to tell. */
function missing<T>(instead: T): (error: unknown) => T {
  return (error) => {
    const code = codeOf(error)
    if (code === 'not-found' || code === 'no-soak') return instead
    throw error
  }
}

/** What confirms an operation is for whoever follows it, and not kept. */
function newest(operations: readonly Operation[]): Operation[] {
  return operations
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, MAX_OPERATIONS)
    .map((operation) =>
      operation.confirmation === null
        ? operation
        : { ...operation, confirmation: { ...operation.confirmation, nonce: null } }
    )
}

/** What changed in a host's operations between two looks, for hosts to which no connection is kept open. */
export function operationNews(before: HostState | null, after: HostState): Operation[] {
  if (before === null) return []
  const known = new Map(before.operations.map(({ id, phase }) => [id, phase]))
  return after.operations.filter(({ id, phase }) => known.get(id) !== phase).reverse()
}

/** What is kept in memory of each host: little, for there may be many. */
export function summaryOf(host: FleetHost, stored: StoredHost | null, streaming: boolean): HostSummary {
  const state = (stored?.state ?? null) as HostState | null
  const verdict = (stored?.verdict ?? null) as HostVerdictSummary | null
  const system = state?.host.profiles.find(({ profile }) => profile === 'system')
  const time = (at: number | null | undefined) =>
    at === null || at === undefined ? null : new Date(at).toISOString()
  return {
    host: host.name,
    answers: stored === null ? null : stored.error === null,
    lookedAt: time(stored?.lookedAt),
    answeredAt: time(stored?.answeredAt),
    error: stored?.error ?? null,
    streaming,
    presence: host.presence,
    running: system?.running ?? null,
    agentVersion: state?.host.agentVersion ?? null,
    drift: system?.drift ?? null,
    held: host.hold ?? state?.host.hold?.reason ?? null,
    phase: state?.operations[0]?.phase ?? null,
    failing: state?.checks.filter(({ failing }) => failing).length ?? 0,
    verdict: verdict?.verdict ?? null
  }
}
