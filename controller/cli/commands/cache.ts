import { dirname, resolve } from 'node:path'
import { BelayError } from '../../../shared/errors.ts'
import { buildHost } from '../../build/build.ts'
import type { CacheEvidence } from '../../cache/evidence.ts'
import { inCache } from '../../cache/evidence.ts'
import type { NamedCache } from '../../cache/push.ts'
import { pushToCache } from '../../cache/push.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import type { LoadedInventory } from '../../inventory/sources.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { leakGate } from '../../leaks/gate.ts'
import { checkPaths } from '../paths.ts'
import type { Wiring } from '../wiring.ts'
import type { HostDone, OnLine } from './build.ts'
import { settle } from './build.ts'
import type { PushOptions } from './push.ts'

/** Options of the commands below `belay cache`. */
export interface CacheOptions extends PushOptions {
  readonly cache?: readonly string[]
}

/** What became of the closure of one host. */
export interface Cached {
  readonly storePath: string
  readonly caches: readonly CacheEvidence[]
}

/** Builds, signs and pushes the closures of the selected hosts, then asks each cache what it has. */
export async function cachePush(
  options: CacheOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<HostDone<Cached>[]> {
  const inventory = await loadInventory(options.fleet, wiring)
  const leaks = leakGate(wiring.scan, inventory.secrets, wiring.signal)
  const caches = chosen(inventory, options)
  return forEachHost(inventory, options, wiring, onLine, async (host, storePath) => {
    const ports = { ...wiring, leaks, onLine: (line: string) => onLine(host, line) }
    for (const cache of caches) {
      onLine(host, `pushing ${storePath} to ${cache.name}`)
      await pushToCache(cache, storePath, ports)
    }
    return { storePath, caches: await ask(caches, storePath, wiring) }
  })
}

/** Asks each cache what it has of the closures of the selected hosts. Pushes nothing. */
export async function cacheStatus(
  options: CacheOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<HostDone<Cached>[]> {
  const inventory = await loadInventory(options.fleet, wiring)
  const caches = chosen(inventory, options)
  return forEachHost(inventory, options, wiring, onLine, async (_, storePath) => {
    return { storePath, caches: await ask(caches, storePath, wiring) }
  })
}

async function forEachHost(
  { fleet }: LoadedInventory,
  options: CacheOptions,
  { run, signal, clock }: Wiring,
  onLine: OnLine,
  work: (host: string, storePath: string) => Promise<Cached>
): Promise<HostDone<Cached>[]> {
  const hosts = selectHosts(fleet, options.host ?? [])
  const paths = checkPaths(hosts, options)
  const done: HostDone<Cached>[] = []
  // One after the other: they share most of what is pushed.
  for (const host of hosts) {
    const built = async () => {
      const known = paths.get(host.name)
      if (known !== undefined) return known
      onLine(host.name, `building ${host.installable}`)
      return (await buildHost(host, { run, signal, now: clock.now, onLine })).storePath
    }
    done.push(
      await settle(
        host.name,
        signal,
        built().then((path) => work(host.name, path))
      )
    )
  }
  return done
}

/** A cache without URL cannot be asked by Nix. */
async function ask(caches: readonly NamedCache[], storePath: string, { run, signal }: Wiring) {
  return Promise.all(
    caches.map(({ name, cache: { url } }) =>
      url === undefined
        ? { cache: name, complete: null, paths: 0, missing: [], message: 'no url to ask at' }
        : inCache({ name, url }, storePath, run, signal)
    )
  )
}

function chosen({ caches, fleet }: LoadedInventory, { cache = [] }: CacheOptions): NamedCache[] {
  const names = Object.keys(caches)
  const strange = cache.find((name) => !names.includes(name))
  if (strange !== undefined || names.length === 0) {
    const text =
      strange === undefined ? 'the fleet file names no caches' : `no cache ${JSON.stringify(strange)}`
    throw new BelayError('invalid-request', `${text}; see caches in the fleet file`, {
      ...{ found: strange ?? null, wanted: names.length > 0 ? names : 'caches' }
    })
  }
  return Object.entries(caches)
    .filter(([name]) => cache.length === 0 || cache.includes(name))
    .map(([name, each]) => {
      const { keyFile } = each
      return {
        name,
        cache: each,
        keyFile: keyFile === undefined ? null : resolve(dirname(fleet.file), keyFile)
      }
    })
}
