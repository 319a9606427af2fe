import pLimit from 'p-limit'
import { agentClient } from '../../../shared/agent-client/client.ts'
import type { Plan } from '../../../shared/api/plan.ts'
import { buildHost } from '../../build/build.ts'
import { pushPath } from '../../build/push.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { leakGate } from '../../leaks/gate.ts'
import { checkPaths } from '../paths.ts'
import type { Wiring } from '../wiring.ts'
import type { HostDone, OnLine } from './build.ts'
import { settle } from './build.ts'
import type { PushOptions } from './push.ts'

/** Options of `belay plan`. */
export interface PlanOptions extends PushOptions {
  readonly push: boolean
  readonly diff?: true
  readonly dryActivate?: true
  readonly markdown?: true
  readonly all?: true
}

/** Milliseconds: a large closure takes a second, `dry-activate` up to two minutes. */
const LIMIT = 180_000

/** Builds and pushes for the selected hosts, and asks each what an activation would change. Activates nothing. */
export async function plan(
  options: PlanOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<HostDone<{ readonly plan: Plan }>[]> {
  const { fleet, secrets } = await loadInventory(options.fleet, wiring)
  const hosts = selectHosts(fleet, options.host ?? [])
  const paths = checkPaths(hosts, options)
  const { run, signal, clock, openTunnel } = wiring
  const leaks = leakGate(wiring.scan, secrets, signal)
  const ask = async (host: FleetHost) => {
    const known = paths.get(host.name)
    if (known === undefined) onLine(host.name, `building ${host.installable}`)
    const storePath = known ?? (await buildHost(host, { run, signal, now: clock.now, onLine })).storePath
    if (options.push) onLine(host.name, `pushing ${storePath}`)
    if (options.push) await pushPath(host, storePath, { run, signal, onLine, leaks })
    await using tunnel = await openTunnel(host, signal)
    const client = agentClient(tunnel.socketPath, LIMIT)
    const { diff = false, dryActivate = false } = options
    return { plan: await client.preview({ storePath, files: diff, dryActivate }) }
  }
  const limit = pLimit(options.maxParallel)
  return await limit.map(hosts, (host) => settle(host.name, signal, ask(host)))
}
