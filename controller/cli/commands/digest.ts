import { dirname } from 'node:path'
import { BelayError } from '../../../shared/errors.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { Delivery, Message } from '../../notify/message.ts'
import { notifier } from '../../notify/notify.ts'
import { sinksOf } from '../../notify/sinks.ts'
import type { Wiring } from '../wiring.ts'
import type { SoakOptions } from './verdict.ts'

/** Options of `belay digest`. */
export interface DigestOptions extends SoakOptions {
  readonly deliver?: boolean
}

/** Brings one message to whom the fleet file names. */
export interface DigestSinks {
  deliver(message: Message, signal: AbortSignal): Promise<Delivery[]>
}

/** Whom the fleet file names for the digest, or the weekly review. Throws before a host is asked when it is nobody. */
export async function digestSinks(options: DigestOptions, wiring: Wiring): Promise<DigestSinks> {
  const { fleet, notify } = await loadInventory(options.fleet, wiring)
  const key = options.weekly ? 'weekly' : 'digest'
  const names = notify[key] ?? []
  if (names.length === 0) {
    const text = `${fleet.file}: notify.${key} names nobody to deliver to`
    throw new BelayError('invalid-request', text, { found: names, wanted: 'names of sinks', at: fleet.file })
  }
  const { deliver } = notifier(sinksOf(notify, dirname(fleet.file), wiring.run), wiring.clock)
  return { deliver: (message, signal) => deliver(message, names, signal) }
}
