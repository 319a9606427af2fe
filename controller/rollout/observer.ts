import pLimit from 'p-limit'
import type { PlannedHost, RolloutPlan } from '../../shared/api/rollout.ts'
import type { EnginePorts } from './engine.ts'
import { gateWatch } from './gate-watch.ts'
import type { HostObservation } from './observation.ts'

/** Milliseconds for which a round waits for hosts that are slow to answer; they are judged when they have. */
const ROUND_PATIENCE = 2000

/** Looks at hosts and gates, each no more often than it is due. `late` is called when a slow host has answered. */
export function observer(plan: RolloutPlan, ports: EnginePorts, late: () => void) {
  const { agents, clock, signal, pollMs } = ports
  // So far ahead it was never set: the clock was set back since.
  const isDue = (at: number, now: number) => at <= now || at > now + pollMs * 1.25
  const hosts = new Map<string, HostObservation>()
  const due = new Map<string, number>()
  const looking = new Map<string, Promise<void>>()
  const outdated = new Set<string>()
  const changed = new Map<string, HostObservation>()
  const limit = pLimit(ports.maxObserve)
  const { gates, look: lookAtGates } = gateWatch(plan, ports, limit)
  const lookAt = (host: PlannedHost): Promise<void> => {
    const look: Promise<void> = limit(async () => {
      const observation = await agents.observe(host, signal)
      // Work on the host began meanwhile: what was seen is of before.
      if (looking.get(host.name) !== look) return
      looking.delete(host.name)
      outdated.delete(host.name)
      if (differs(hosts.get(host.name), observation)) changed.set(host.name, observation)
      hosts.set(host.name, observation)
      due.set(host.name, clock.now() + pollMs * (1 + clock.random() / 4))
    })
    looking.set(host.name, look)
    return look
  }
  return {
    hosts,
    gates,
    lookAtGates,
    /** What is known of the host is of before; it is looked at in the next round, or when it is due anew. */
    stale(host: string, again: 'now' | 'later' = 'now') {
      if (again === 'now') due.delete(host)
      else due.set(host, clock.now() + pollMs)
      looking.delete(host)
      outdated.add(host)
    },
    /** Hosts on which something was done since they were looked at. */
    outdated: outdated as ReadonlySet<string>,
    /** True while a host is looked at of which nothing is known yet. */
    isBeginning: () => plan.hosts.some(({ name }) => !hosts.has(name) && looking.has(name)),
    /** Observations that differ from what was last taken from here. */
    changed() {
      const values = [...changed.values()]
      changed.clear()
      return values
    },
    /** Looks at every host that is due. */
    async look(): Promise<void> {
      const now = clock.now()
      const idle = plan.hosts.filter(({ name }) => !looking.has(name))
      const looks = idle.filter(({ name }) => isDue(due.get(name) ?? 0, now)).map(lookAt)
      if (looks.length === 0) return
      const all = Promise.all(looks).then(() => true)
      const stop = new AbortController()
      const patience = clock.sleep(ROUND_PATIENCE, AbortSignal.any([signal, stop.signal])).then(() => false)
      patience.catch(() => {})
      const done = await Promise.race([all, patience])
      stop.abort()
      if (!done) void all.then(late, late)
    }
  }
}

function differs(before: HostObservation | undefined, after: HostObservation): boolean {
  return core(before) !== core(after)
}

/** Without what changes at every look. */
const core = (observation: HostObservation | undefined) =>
  JSON.stringify({ ...observation, at: 0, soakSeconds: 0 })
