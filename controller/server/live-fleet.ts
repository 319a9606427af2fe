import { stat } from 'node:fs/promises'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { readFleetFile } from '../inventory/load.ts'
import type { LoadedInventory, SourcePorts } from '../inventory/sources.ts'
import { loadInventory } from '../inventory/sources.ts'
import { didYouMean } from '../inventory/suggest.ts'
import type { Notify } from '../notify/schema.ts'

/** Milliseconds after which an inventory that comes from a flake is read again, although the fleet file is as it was. */
const SOURCES_FRESH = 15 * 60_000

/** The fleet file as it was when it was last valid. */
export interface LiveFleet {
  readonly file: string
  /** One map for as long as this lives; what is in it changes. */
  readonly hosts: ReadonlyMap<string, FleetHost>
  inventory(): LoadedInventory
  notify(): Notify
  /** Why the file as it is now is not used; null when it is. */
  problem(): string | null
  /** Reads it again when it has changed; true when it has. Never throws, except when interrupted. */
  refresh(): Promise<boolean>
}

/** Reads the fleet file, and keeps to it. Throws when it is not valid at the beginning. */
export async function liveFleet(path: string, ports: SourcePorts, now: () => number): Promise<LiveFleet> {
  const hosts = new Map<string, FleetHost>()
  let problem: string | null = null
  const load = async () => {
    const changedAt = await changeOf(path)
    const [inventory, { content }] = await Promise.all([loadInventory(path, ports), readFleetFile(path)])
    hosts.clear()
    for (const host of inventory.fleet.hosts) hosts.set(host.name, host)
    const external = (content.sources ?? []).length > 0
    return { changedAt, inventory, notify: content.notify ?? {}, external }
  }
  let last = await load()
  let readAt = now()
  return {
    file: last.inventory.fleet.file,
    hosts,
    inventory: () => last.inventory,
    notify: () => last.notify,
    problem: () => problem,
    async refresh() {
      const due = last.external && now() - readAt >= SOURCES_FRESH
      if (!due && (await changeOf(path)) === last.changedAt) return false
      readAt = now()
      try {
        last = await load()
        problem = null
        return true
      } catch (error) {
        ports.signal.throwIfAborted()
        problem = describeError(error)
        return false
      }
    }
  }
}

const changeOf = async (path: string) => (await stat(path).catch(() => null))?.mtimeMs ?? 0

/** A host of the fleet by its name. Throws `host-unknown`. */
export function hostOf({ hosts }: Pick<LiveFleet, 'hosts'>, name: string): FleetHost {
  const host = hosts.get(name)
  if (host !== undefined) return host
  const hint = didYouMean(name, [...hosts.keys()])
  throw new BelayError('host-unknown', `no host ${JSON.stringify(name)}${hint}`, { found: name })
}
