import pLimit from 'p-limit'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { HostStatus } from '../../monitor/fleet-status.ts'
import { hostStatus } from '../../monitor/fleet-status.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Options of `belay status`. */
export interface StatusOptions extends GlobalOptions {
  readonly host?: readonly string[]
  readonly maxParallel: number
}

/** Asks the selected hosts at the same time. */
export async function status(options: StatusOptions, wiring: Wiring): Promise<HostStatus[]> {
  const hosts = selectHosts((await loadInventory(options.fleet, wiring)).fleet, options.host ?? [])
  const limit = pLimit(options.maxParallel)
  return await limit.map(hosts, (host) => hostStatus(host, wiring.openTunnel, wiring.signal))
}
