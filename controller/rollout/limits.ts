import type { PlannedHost, RolloutPlan } from '../../shared/api/rollout.ts'
import type { Look } from './host-look.ts'
import type { Observations } from './observation.ts'
import type { Because } from './reasons.ts'

/** Counts what is under way, so that no limit is passed. Counting a host makes the next one see it. */
export interface Limits {
  /** Why one more host may not begin, or null. */
  refuse(host: PlannedHost): Because | null
  /** One more host begins. */
  begin(host: PlannedHost): void
}

/** Limits of the plan, filled with what is under way or down. */
export function limitsOf(plan: RolloutPlan, looks: ReadonlyMap<string, Look>, seen: Observations): Limits {
  const byStage = new Map<string, number>()
  const byBudget = new Map<string, string[]>()
  let moving = 0
  const budgetsOf = (host: PlannedHost) =>
    plan.budgets.filter(({ by, name }) => (by === 'role' ? host.roles : host.tags).includes(name))
  const keyOf = ({ by, name }: { readonly by: string; readonly name: string }) => `${by} ${name}`
  const useUp = (host: PlannedHost) => {
    for (const budget of budgetsOf(host))
      byBudget.set(keyOf(budget), [...(byBudget.get(keyOf(budget)) ?? []), host.name])
  }
  const count = (host: PlannedHost) => {
    moving += 1
    byStage.set(host.stage, (byStage.get(host.stage) ?? 0) + 1)
    useUp(host)
  }
  for (const host of plan.hosts) {
    const look = looks.get(host.name)
    if (look?.is === 'moving') count(host)
    else if (isDown(host, look, seen) || seen.outside?.has(host.name)) useUp(host)
  }
  const stages = new Map(plan.stages.map((stage) => [stage.name, stage.maxParallel]))
  return {
    begin: count,
    refuse(host) {
      for (const budget of budgetsOf(host)) {
        const used = byBudget.get(keyOf(budget)) ?? []
        if (used.length >= budget.maxUnavailable) return full(keyOf(budget), used, budget.maxUnavailable)
      }
      const stage = byStage.get(host.stage) ?? 0
      const most = stages.get(host.stage) ?? 1
      if (stage >= most) return parallel(`${stage} of ${most} hosts of stage ${host.stage} are under way`)
      if (moving >= plan.maxParallel) return parallel(`${moving} of ${plan.maxParallel} hosts are under way`)
      return null
    }
  }
}

function parallel(text: string): Because {
  return { code: 'parallel-used', text, unblock: 'a host that is under way ends' }
}

/** Hosts that are named where a budget is used up. */
const MAX_NAMED = 5

function full(of: string, used: readonly string[], most: number): Because {
  const names = `${used.slice(0, MAX_NAMED).join(', ')}${used.length > MAX_NAMED ? ', …' : ''}`
  const text = `${used.length} of ${most} with ${of} are under way or down: ${names}`
  return { code: 'budget-used', text, unblock: `another host with ${of} is well again` }
}

/**
 * Costs availability although we do nothing to it: also a host that has arrived and fell silent since. One that is away
 * on purpose does not, nor one that a person has left out.
 */
function isDown({ name, presence }: PlannedHost, look: Look | undefined, { hosts }: Observations): boolean {
  if (look?.is === 'skipped') return false
  if (look?.because?.code === 'stuck') return true
  const last = hosts.get(name)
  return last === undefined || (presence === 'always' && !last.reachable)
}
