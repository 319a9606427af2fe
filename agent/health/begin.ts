import type { CheckSetting } from '../config/checks.ts'
import type { Measure } from './kinds/kind.ts'
import type { KindName } from './kinds/kinds.ts'
import { kinds } from './kinds/kinds.ts'

/** Kinds that a platform measures in its own way; their options, and what they give, are the same everywhere. */
export type Measures = Readonly<Partial<Record<KindName, (options: unknown) => Measure>>>

/** Begins a check as its platform measures it; what looks over the network is left to the network half. */
export function beginCheck({ kind, options }: CheckSetting, measures: Measures = {}): Measure {
  const own = measures[kind]
  if (own !== undefined) return own(options)
  if (kinds[kind].overNetwork(options)) return (world) => world.network({ kind, options })
  return kinds[kind].begin(options)
}

/**
 * Whether it opens what the configuration names. Where that lies on a file system that is dead it hangs for good, and keeps
 * one of the four threads of libuv by which all of the daemon reads and writes.
 */
export const opensWhatIsNamed = ({ kind }: CheckSetting): boolean =>
  kind === 'disk' || kind === 'secrets-present' || kind === 'certificate-expiry'

/** Whether others can let it wait for all of its time: they must not take that of what this host knows by itself. */
export const waitsForOthers = ({ kind, options }: CheckSetting): boolean =>
  kind === 'mesh' || kind === 'ssh' || kinds[kind].overNetwork(options)
