import pLimit from 'p-limit'
import type { Plan } from '../../../shared/api/plan.ts'
import { buildHost } from '../../build/build.ts'
import { pushPath } from '../../build/push.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { Target } from '../../inventory/targets.ts'
import { jobsOf, targetsOf } from '../../inventory/targets.ts'
import { leakGate } from '../../leaks/gate.ts'
import { hostClient } from '../../transport/host-client.ts'
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
  const targets = targetsOf(jobsOf(selectHosts(fleet, options.host ?? []), options))
  const paths = checkPaths(targets, options)
  const { run, signal, clock, openTunnel } = wiring
  const leaks = leakGate(wiring.scan, secrets, signal)
  const ask = async (target: Target) => {
    const { name, host, profile, installable } = target
    const known = paths.get(name)
    if (known === undefined) onLine(name, `building ${installable}`)
    const storePath = known ?? (await buildHost(target, { run, signal, now: clock.now, onLine })).storePath
    if (options.push) onLine(name, `pushing ${storePath}`)
    if (options.push) await pushPath(host, storePath, { run, signal, onLine, leaks })
    await using tunnel = await openTunnel(host, signal)
    const client = hostClient(tunnel.socketPath, LIMIT)
    // A home has no dry activation.
    const dryActivate = options.dryActivate === true && profile === 'system'
    return { plan: await client.preview({ storePath, files: options.diff ?? false, dryActivate }, profile) }
  }
  const limit = pLimit(options.maxParallel)
  return await limit.map(targets, (target) => settle(target.name, signal, ask(target)))
}
