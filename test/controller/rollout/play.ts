import { resolveFleet } from '../../../controller/inventory/fleet.ts'
import { parseFleetFile } from '../../../controller/inventory/load.ts'
import { planRollout } from '../../../controller/plan/planner.ts'
import type { Decision } from '../../../controller/rollout/decide.ts'
import { decide } from '../../../controller/rollout/decide.ts'
import { idempotencyKey } from '../../../controller/rollout/engine.ts'
import type { GateResult } from '../../../controller/rollout/observation.ts'
import type { Reason } from '../../../controller/rollout/reasons.ts'
import type { RolloutEvent, RolloutRecord } from '../../../controller/rollout/records.ts'
import { foldRecords } from '../../../controller/rollout/state.ts'
import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import type { SimWorld } from './world.ts'

/** The plan of a fleet file; the generations are named after the hosts. */
export function planOf(yaml: string, now: number, generation = 'new', revision = 1): RolloutPlan {
  const { content, file } = parseFleetFile(yaml, '/fleet/fleet.yaml')
  const { hosts } = resolveFleet(content, file)
  const storePaths = new Map(hosts.map(({ name }) => [name, storePathOf(name, generation)]))
  return planRollout({ hosts, policy: content.rollout ?? {}, storePaths, revision, now })
}

export const storePathOf = (name: string, generation = 'new') =>
  `/nix/store/${'0'.repeat(32)}-nixos-system-${name}-${generation}`

/** A rollout over simulated hosts: the decide function with records in memory, and nothing else. */
export function rolloutOn(world: SimWorld, plan: RolloutPlan, holds = new Map<string, string>()) {
  const records: RolloutRecord[] = []
  const gates = new Map<string, GateResult>()
  const reasons = new Map<string, Reason>()
  const byName = new Map(plan.hosts.map((host) => [host.name, host]))
  const record = (event: RolloutEvent, who = 'engine', why: string | null = null) => {
    records.push({ seq: records.length + 1, at: new Date(world.now()).toISOString(), who, why, event })
  }
  record({ kind: 'created' })
  const once = (): Decision => {
    const seen = {
      hosts: new Map(plan.hosts.map((host) => [host.name, world.observe(host)])),
      gates,
      holds,
      active: new Set<string>()
    }
    const decision = decide({ plan, state: foldRecords(records), seen, before: reasons, now: world.now() })
    for (const event of decision.learned) record(event)
    for (const { host, reason } of decision.hosts) {
      if (reason === null) reasons.delete(host)
      else reasons.set(host, reason)
    }
    for (const action of decision.actions) {
      const host = byName.get(action.host)
      if (action.do === 'follow' || host === undefined) continue
      const key = idempotencyKey(plan.id, host.name, action.attempt)
      const before = foldRecords(records).hosts.get(host.name)?.started
      const newest = seen.hosts.get(host.name)?.newest ?? null
      record({
        kind: 'started',
        host: host.name,
        attempt: action.attempt,
        key,
        before: before ? before.before : newest
      })
      world.start(host, { key })
    }
    return decision
  }
  return {
    plan,
    records,
    gates,
    holds,
    say: (event: RolloutEvent, why: string | null = null) => record(event, 'anna@stibnite', why),
    /** What a person's retry carries. */
    retry: (host: string) => {
      const found = byName.get(host)
      const operation = found === undefined ? null : (world.observe(found).operation?.id ?? null)
      const overDrift = foldRecords(records).hosts.get(host)?.failed?.end === 'drifted'
      record({ kind: 'retried', host, operation, overDrift }, 'anna@stibnite')
    },
    /** Rounds until nothing new is learned or begun at this moment. */
    settle(each: (decision: Decision) => void = () => {}): Decision {
      for (let round = 0; round < 1000; round++) {
        const decision = once()
        each(decision)
        if (decision.learned.length === 0 && decision.actions.every((action) => action.do === 'follow'))
          return decision
      }
      throw new Error('the decisions do not come to rest')
    }
  }
}
export type SimRollout = ReturnType<typeof rolloutOn>
