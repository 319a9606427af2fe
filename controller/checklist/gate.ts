import type { PlannedRequirement } from '../../shared/api/rollout.ts'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { RolloutPolicy } from '../inventory/rollout-schema.ts'
import { requirementOf } from '../plan/requirement.ts'
import { placeHosts } from '../plan/stages.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import type { EvidencePorts } from './evidence.ts'
import { evidenceOf } from './evidence.ts'
import type { Item } from './judge.ts'

/** What the gate needs from outside. */
export type ChecklistPorts = EvidencePorts & { readonly openTunnel: OpenTunnel }

const DAY_SECONDS = 86_400

/** The points that are wanted and have no evidence, each with what was found; empty when nothing is missing. */
export function lacking(items: readonly Item[], { points }: PlannedRequirement): string {
  return points
    .flatMap((point) => {
      const item = items.find((each) => each.point === point)
      if (item?.result === 'pass') return []
      return [`${point} (${item?.evidence ?? 'nobody looks for it here'})`]
    })
    .join('; ')
}

/** Looks whether a host has the evidence that is wanted. Never throws, except when interrupted. */
export async function lookForEvidence(
  host: FleetHost,
  storePath: string,
  wanted: PlannedRequirement,
  ports: ChecklistPorts
): Promise<{ readonly open: boolean; readonly message: string }> {
  try {
    await using tunnel = await ports.openTunnel(host, ports.signal)
    const days = wanted.drillSeconds / DAY_SECONDS
    const missing = lacking(await evidenceOf(tunnel.socketPath, storePath, days, ports), wanted)
    if (missing === '') return { open: true, message: 'complete' }
    return { open: false, message: `it lacks ${missing}` }
  } catch (error) {
    ports.signal.throwIfAborted()
    return { open: false, message: `it cannot be looked for: ${describeError(error)}` }
  }
}

/** What must let a deployment of a host through. */
export type ChecklistGate = (host: FleetHost, storePath: string) => Promise<void>

/** Refuses a host that lacks what the policy asks of it: `checklist-incomplete`. */
export function checklistGate(
  hosts: readonly FleetHost[],
  policy: RolloutPolicy,
  ports: ChecklistPorts
): ChecklistGate {
  const placed = placeHosts(hosts, policy, { roles: [], hosts: [] })
  return async (host, storePath) => {
    const wanted = requirementOf(host, placed.get(host.name)?.stage ?? '', policy)
    if (wanted === null) return
    const { open, message } = await lookForEvidence(host, storePath, wanted, ports)
    if (open) return
    throw new BelayError('checklist-incomplete', `${host.name}: ${message}`, {
      ...{ found: message, wanted: wanted.points, at: host.name }
    })
  }
}
