import type { LimitFunction } from 'p-limit'
import type { PlannedAlerts, PlannedGate, PlannedHost, RolloutPlan } from '../../shared/api/rollout.ts'
import type { EnginePorts } from './engine.ts'
import type { GateResult } from './observation.ts'
import { gateKey } from './observation.ts'

/** Milliseconds for which the answer of a gate, or of an engine about its alerts, holds. */
const FRESH = 15_000
/** The same of the evidence of a host, which is a dozen programs there. */
const FRESH_CHECKLIST = 60_000

/** Looks at gates and alerts, where there is no fresh answer. */
export function gateWatch(plan: RolloutPlan, ports: EnginePorts, limit: LimitFunction) {
  const { clock, signal } = ports
  const known = gatesByKey(plan)
  const hosts = new Map(plan.hosts.map((host) => [gateKey(host.stage, 'checklist', host.name), host]))
  const gates = new Map<string, GateResult>()
  const checklist = async (host: PlannedHost) =>
    (await ports.lookAtChecklist?.(host, signal)) ?? { open: false, message: 'nobody looks for it here' }
  return {
    gates,
    /** Looks at those named; true when it looked at any. */
    async look(keys: readonly string[]): Promise<boolean> {
      const wanted = keys.filter((key) => {
        const last = gates.get(key)
        const age = last === undefined ? Number.POSITIVE_INFINITY : clock.now() - last.at
        // Of a time to come: the clock was set back since.
        return age < 0 || age >= (hosts.has(key) ? FRESH_CHECKLIST : FRESH)
      })
      await limit.map(wanted, async (key) => {
        const host = hosts.get(key)
        if (host !== undefined) gates.set(key, { ...(await checklist(host)), at: clock.now() })
        const gate = known.get(key)
        if (gate === undefined) return
        const look = 'url' in gate ? ports.lookAtAlerts(gate, signal) : ports.lookAtGate(gate, signal)
        gates.set(key, { ...(await look), at: clock.now() })
      })
      return wanted.length > 0
    }
  }
}

function gatesByKey(plan: RolloutPlan): ReadonlyMap<string, PlannedGate | PlannedAlerts> {
  const known = new Map<string, PlannedGate | PlannedAlerts>()
  for (const { name, gatesBefore, gatesAfter, alerts = [] } of plan.stages) {
    for (const gate of gatesBefore) known.set(gateKey(name, 'before', gate.name), gate)
    for (const gate of gatesAfter) known.set(gateKey(name, 'after', gate.name), gate)
    for (const each of alerts) known.set(gateKey(name, 'alerts', each.name), each)
  }
  return known
}
