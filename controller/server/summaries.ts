import type { HostSummary } from '../../shared/api/controller.ts'
import { summaryOf } from '../collector/look.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { ControllerParts } from './parts.ts'

type Sources = Pick<ControllerParts, 'fleet' | 'keeper'>

/** Every host of the fleet file, also those that have not been looked at yet. */
export const summariesOf = (sources: Sources): HostSummary[] =>
  [...sources.fleet.hosts.values()].map((host) => summaryOfHost(host, sources))

/** One host as it was last heard. */
export function summaryOfHost(host: FleetHost, { keeper }: Pick<Sources, 'keeper'>): HostSummary {
  return keeper.summaries.get(host.name) ?? summaryOf(host, null, false)
}
