import pLimit from 'p-limit'
import { buildHost } from '../../build/build.ts'
import { pushPath } from '../../build/push.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { HomeChoice } from '../../inventory/targets.ts'
import { jobsOf, targetsOf } from '../../inventory/targets.ts'
import { leakGate } from '../../leaks/gate.ts'
import { checkPaths } from '../paths.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { HostDone, OnLine } from './build.ts'
import { settle } from './build.ts'

/** Options of `belay push`. */
export interface PushOptions extends GlobalOptions, HomeChoice {
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
  const targets = targetsOf(jobsOf(selectHosts(fleet, options.host ?? []), options))
  const paths = checkPaths(targets, options)
  const { run, signal, clock } = wiring
  const leaks = leakGate(wiring.scan, secrets, signal)
  const limit = pLimit(options.maxParallel)
  return await limit.map(targets, (target) => {
    const work = async (): Promise<Pushed> => {
      const started = clock.now()
      const known = paths.get(target.name)
      if (known === undefined) onLine(target.name, `building ${target.installable}`)
      const storePath = known ?? (await buildHost(target, { run, signal, now: clock.now, onLine })).storePath
      onLine(target.name, `pushing ${storePath}`)
      await pushPath(target.host, storePath, { run, signal, onLine, leaks })
      return { storePath, seconds: Math.round((clock.now() - started) / 100) / 10 }
    }
    return settle(target.name, signal, work())
  })
}
