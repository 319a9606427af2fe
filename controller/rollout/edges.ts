import type { PlannedHost, RolloutPlan } from '../../shared/api/rollout.ts'
import type { Look } from './host-look.ts'
import type { Because } from './reasons.ts'

/** Tells of each host which one must come before it and is not there. Only a person's skip lets it pass. */
export function edgesOf(plan: RolloutPlan, looks: ReadonlyMap<string, Look>) {
  const there = (name: string) => {
    const is = looks.get(name)?.is
    return is === undefined || is === 'done' || is === 'skipped'
  }
  const missing = new Map(
    plan.order.map(({ role }) => [
      role,
      plan.hosts.find((host) => host.roles.includes(role) && !there(host.name))?.name
    ])
  )
  return (host: PlannedHost): { readonly because: Because; readonly wakeAt: null } | null => {
    const after = host.after.find((name) => !there(name))
    if (after !== undefined) return waits(`it comes after ${after}`, after)
    for (const { role, before } of plan.order) {
      if (!host.roles.includes(before) || host.roles.includes(role)) continue
      const first = missing.get(role)
      if (first !== undefined) return waits(`role ${role} comes before role ${before}: ${first}`, first)
    }
    return null
  }
}

function waits(text: string, first: string): { readonly because: Because; readonly wakeAt: null } {
  const unblock = `${first} runs the new generation, or belay rollout skip ${first} --reason …`
  return { because: { code: 'waiting-for-host', text, unblock }, wakeAt: null }
}
