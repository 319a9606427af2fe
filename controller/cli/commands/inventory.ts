import { selectHosts } from '../../inventory/fleet.ts'
import type { Inventory } from '../../inventory/inventory.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Options of `belay inventory`. */
export interface InventoryOptions extends GlobalOptions {
  readonly host?: readonly string[]
}

/** The inventory, or the part of it that was asked for. */
export async function inventory(options: InventoryOptions, wiring: Wiring): Promise<Inventory> {
  const all = await loadInventory(options.fleet, wiring)
  const names = selectHosts(all.fleet, options.host ?? []).map(({ name }) => name)
  return { ...all, hosts: all.hosts.filter(({ name }) => names.includes(name)) }
}
