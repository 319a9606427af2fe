import pLimit from 'p-limit'
import { buildHost } from '../../build/build.ts'
import { pushPath } from '../../build/push.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { leakGate } from '../../leaks/gate.ts'
import { checkPaths } from '../paths.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { HostDone, OnLine } from './build.ts'
import { settle } from './build.ts'

/** Options of `belay push`. */
export interface PushOptions extends GlobalOptions {
  readonly host?: readonly string[]
  readonly build: boolean
  readonly path?: ReadonlyMap<string, string>
  readonly maxParallel: number
}

/** What was pushed to a host. */
export interface Pushed {
  readonly storePath: string
  readonly seconds: number
}

/** Builds, where no path is given, and copies the closures to the selected hosts. */
export async function push(
  options: PushOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<HostDone<Pushed>[]> {
  const { fleet, secrets } = await loadInventory(options.fleet, wiring)
  const hosts = selectHosts(fleet, options.host ?? [])
  const paths = checkPaths(hosts, options)
  const { run, signal, clock } = wiring
  const leaks = leakGate(wiring.scan, secrets, signal)
  const limit = pLimit(options.maxParallel)
  return await limit.map(hosts, (host) => {
    const work = async (): Promise<Pushed> => {
      const started = clock.now()
      const known = paths.get(host.name)
      if (known === undefined) onLine(host.name, `building ${host.installable}`)
      const storePath = known ?? (await buildHost(host, { run, signal, now: clock.now, onLine })).storePath
      onLine(host.name, `pushing ${storePath}`)
      await pushPath(host, storePath, { run, signal, onLine, leaks })
      return { storePath, seconds: Math.round((clock.now() - started) / 100) / 10 }
    }
    return settle(host.name, signal, work())
  })
}
