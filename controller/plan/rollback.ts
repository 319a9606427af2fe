import type { PlannedHome, PlannedHost, PlannedStage, RolloutPlan } from '../../shared/api/rollout.ts'
import { BelayError } from '../../shared/errors.ts'
import { identityOf } from './planner.ts'

type Home = Omit<PlannedHome, 'planHash'>

/** What a plan back is made from. */
export interface RollbackRequest {
  /** The rollout that is taken back. */
  readonly of: RolloutPlan
  /** What each host ran before it, by the host's own record; hosts that are not named keep what they have. */
  readonly targets: ReadonlyMap<string, string>
  /** What the homes were that moved with it. */
  readonly homes?: ReadonlyMap<string, readonly Home[]>
  readonly revision: number
  readonly now: number
  readonly reason: string
}

/**
 * The plan back: each host to its recorded baseline, in the reverse order. Without soak, windows and gates, since a person
 * has said so; how many hosts may be down at the same time still holds.
 */
export function planRollback({
  of,
  targets,
  homes: known,
  revision,
  now,
  reason
}: RollbackRequest): RolloutPlan {
  const hosts = of.hosts.flatMap((host) => {
    const target = targets.get(host.name)
    return target === undefined ? [] : [backwards(host, target, known?.get(host.name) ?? [])]
  })
  if (hosts.length === 0) {
    const text = `rollout ${of.id} has moved no host that could go back`
    throw new BelayError('invalid-rollout', text, { found: 0, wanted: 'a host that it has moved' })
  }
  const names = new Set(hosts.map(({ name }) => name))
  const after = (name: string) =>
    of.hosts.filter((host) => host.after.includes(name) && names.has(host.name)).map((host) => host.name)
  const rest = {
    version: 1 as const,
    revision,
    createdAt: new Date(now).toISOString(),
    note: reason,
    rollbackOf: of.id,
    maxParallel: of.maxParallel,
    stages: of.stages.toReversed().flatMap((stage) => stageBack(stage, names)),
    hosts: hosts.map((host) => ({ ...host, after: after(host.name) })),
    order: of.order.map(({ role, before }) => ({ role: before, before: role })),
    budgets: of.budgets
  }
  return { id: identityOf(rest), ...rest }
}

function backwards(
  { homes: _homes, require: _require, ...host }: PlannedHost,
  storePath: string,
  homes: readonly Home[]
): PlannedHost {
  return {
    ...host,
    storePath,
    ...(homes.length === 0 ? {} : { homes: homes.map((home) => ({ ...home, planHash: null })) }),
    planHash: null,
    windows: [],
    soakSeconds: 0,
    why: [`it goes back to what it ran before stage ${host.stage}`]
  }
}

function stageBack(stage: PlannedStage, names: ReadonlySet<string>): PlannedStage[] {
  const { name, maxParallel, mode, reboot } = stage
  const hosts = stage.hosts.filter((host) => names.has(host))
  if (hosts.length === 0) return []
  const back = {
    name,
    hosts,
    maxParallel,
    approval: false,
    windows: [],
    soakSeconds: 0,
    verdict: 'none' as const,
    away: 'leave' as const,
    gatesBefore: [],
    gatesAfter: [],
    ...(mode === undefined ? {} : { mode }),
    ...(reboot === undefined ? {} : { reboot }),
    why: ['the reverse of the order']
  }
  return [back]
}
