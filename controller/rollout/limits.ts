import type { PlannedHost, RolloutPlan } from '../../shared/api/rollout.ts'
import type { Look } from './host-look.ts'
import type { Because } from './reasons.ts'

/** Counts what is under way, so that no limit is passed. Counting a host makes the next one see it. */
export interface Limits {
  /** Why one more host may not begin, or null. */
  refuse(host: PlannedHost): Because | null
  /** One more host begins. */
  begin(host: PlannedHost): void
}

/** Limits of the plan, filled with what is under way or down. */
export function limitsOf(
  plan: RolloutPlan,
  looks: ReadonlyMap<string, Look>,
  outside: ReadonlySet<string> = new Set()
): Limits {
  const byStage = new Map<string, number>()
  const byBudget = new Map<string, number>()
  let moving = 0
  const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
  const budgetsOf = (host: PlannedHost) =>
    plan.budgets.filter(({ by, name }) => (by === 'role' ? host.roles : host.tags).includes(name))
  const keyOf = ({ by, name }: { readonly by: string; readonly name: string }) => `${by} ${name}`
  const count = (host: PlannedHost) => {
    moving += 1
    add(byStage, host.stage)
    for (const budget of budgetsOf(host)) add(byBudget, keyOf(budget))
  }
  for (const host of plan.hosts) {
    const look = looks.get(host.name)
    if (look?.is === 'moving') count(host)
    else if (isDown(look) || outside.has(host.name))
      for (const budget of budgetsOf(host)) add(byBudget, keyOf(budget))
  }
  const stages = new Map(plan.stages.map((stage) => [stage.name, stage.maxParallel]))
  return {
    begin: count,
    refuse(host) {
      const budget = budgetsOf(host).find((each) => (byBudget.get(keyOf(each)) ?? 0) >= each.maxUnavailable)
      if (budget !== undefined) {
        const text = `${byBudget.get(keyOf(budget))} of ${budget.maxUnavailable} with ${keyOf(budget)} are under way or down`
        return { code: 'budget-used', text, unblock: `another host with ${keyOf(budget)} is well again` }
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

/** Costs availability although we do nothing to it. A host that is away on purpose does not. */
function isDown(look: Look | undefined): boolean {
  return look?.because?.code === 'unreachable' || look?.because?.code === 'stuck'
}
