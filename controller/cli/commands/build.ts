import pLimit from 'p-limit'
import { codeOf, describeError } from '../../../shared/errors.ts'
import type { Built } from '../../build/build.ts'
import { buildHost } from '../../build/build.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { homeTargets, jobsOf, systemTarget, targetsOf } from '../../inventory/targets.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Options of `belay build`. */
export interface BuildOptions extends GlobalOptions {
  readonly host?: readonly string[]
  /** Only these homes. */
  readonly home?: readonly string[]
  readonly maxParallel: number
}

/** What became of one host: a result, or an error with its code. */
export type HostDone<T> =
  | ({ readonly host: string; readonly ok: true } & T)
  | { readonly host: string; readonly ok: false; readonly code: string; readonly message: string }

/** Tells what is going on, line by line. */
export type OnLine = (host: string, line: string) => void

/** Builds for the selected hosts: their systems and all their homes, or the homes that are named. */
export async function build(
  options: BuildOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<HostDone<Built>[]> {
  const hosts = selectHosts((await loadInventory(options.fleet, wiring)).fleet, options.host ?? [])
  const { run, signal, clock } = wiring
  const targets =
    options.home === undefined
      ? hosts.flatMap((host) => [systemTarget(host), ...homeTargets(host)])
      : targetsOf(jobsOf(hosts, options))
  const limit = pLimit(options.maxParallel)
  return await limit.map(targets, (target) => {
    onLine(target.name, `building ${target.installable}`)
    return settle(target.name, signal, buildHost(target, { run, signal, now: clock.now, onLine }))
  })
}

/** The result, or the error as data; an interruption stays an error. */
export async function settle<T>(host: string, signal: AbortSignal, work: Promise<T>): Promise<HostDone<T>> {
  try {
    return { ...(await work), host, ok: true }
  } catch (error) {
    signal.throwIfAborted()
    return { host, ok: false, code: codeOf(error), message: describeError(error) }
  }
}
