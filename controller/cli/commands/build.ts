import pLimit from 'p-limit'
import { codeOf, describeError } from '../../../shared/errors.ts'
import type { Built } from '../../build/build.ts'
import { buildHost } from '../../build/build.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Options of `belay build`. */
export interface BuildOptions extends GlobalOptions {
  readonly host?: readonly string[]
  readonly maxParallel: number
}

/** What became of one host: a result, or an error with its code. */
export type HostDone<T> =
  | ({ readonly host: string; readonly ok: true } & T)
  | { readonly host: string; readonly ok: false; readonly code: string; readonly message: string }

/** Tells what is going on, line by line. */
export type OnLine = (host: string, line: string) => void

/** Builds the selected hosts. */
export async function build(
  options: BuildOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<HostDone<Built>[]> {
  const hosts = selectHosts((await loadInventory(options.fleet, wiring)).fleet, options.host ?? [])
  const { run, signal, clock } = wiring
  const limit = pLimit(options.maxParallel)
  return await limit.map(hosts, (host) => {
    onLine(host.name, `building ${host.installable}`)
    return settle(host.name, signal, buildHost(host, { run, signal, now: clock.now, onLine }))
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
