import pLimit from 'p-limit'
import type { PlannedGate, RolloutPlan } from '../../shared/api/rollout.ts'
import type { EnginePorts } from './engine.ts'
import type { GateResult, HostObservation } from './observation.ts'
import { gateKey } from './observation.ts'

/** Milliseconds for which a gate's answer holds. */
const GATE_FRESH = 15_000

/** Looks at hosts and gates, each no more often than it is due. */
export function observer(plan: RolloutPlan, ports: EnginePorts) {
  const { agents, clock, signal, pollMs } = ports
  const hosts = new Map<string, HostObservation>()
  const gates = new Map<string, GateResult>()
  const due = new Map<string, number>()
  const changed = new Map<string, HostObservation>()
  const known = gatesByKey(plan)
  const limit = pLimit(ports.maxObserve)
  return {
    hosts,
    gates,
    /** The host is looked at in the next round. */
    stale: (host: string) => void due.delete(host),
    /** Observations that differ from what was last taken from here. */
    changed() {
      const values = [...changed.values()]
      changed.clear()
      return values
    },
    /** When the next host is due. */
    nextDue: () => Math.min(...due.values()),
    /** Looks at every host that is due and on which nobody is at work. */
    async look(active: ReadonlySet<string>): Promise<void> {
      const now = clock.now()
      const wanted = plan.hosts.filter(({ name }) => !active.has(name) && (due.get(name) ?? 0) <= now)
      await limit.map(wanted, async (host) => {
        const observation = await agents.observe(host, signal)
        if (differs(hosts.get(host.name), observation)) changed.set(host.name, observation)
        hosts.set(host.name, observation)
        due.set(host.name, clock.now() + pollMs * (1 + clock.random() / 4))
      })
    },
    /** Looks at the gates named, where there is no fresh answer; true when it looked at any. */
    async lookAtGates(keys: readonly string[]): Promise<boolean> {
      const wanted = keys.filter((key) => {
        const last = gates.get(key)
        return last === undefined || clock.now() - last.at >= GATE_FRESH
      })
      await limit.map(wanted, async (key) => {
        const gate = known.get(key)
        if (gate !== undefined) gates.set(key, { ...(await ports.lookAtGate(gate, signal)), at: clock.now() })
      })
      return wanted.length > 0
    }
  }
}

function gatesByKey(plan: RolloutPlan): ReadonlyMap<string, PlannedGate> {
  const entries = plan.stages.flatMap((stage) => [
    ...stage.gatesBefore.map((gate) => [gateKey(stage.name, 'before', gate.name), gate] as const),
    ...stage.gatesAfter.map((gate) => [gateKey(stage.name, 'after', gate.name), gate] as const)
  ])
  return new Map(entries)
}

function differs(before: HostObservation | undefined, after: HostObservation): boolean {
  return JSON.stringify({ ...before, at: 0 }) !== JSON.stringify({ ...after, at: 0 })
}
