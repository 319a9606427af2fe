import { clean } from '../../../shared/clean.ts'
import type { HoldChange } from '../commands/hold.ts'

/** What keeps a host back now. */
export function holdView({ host, hold, before }: HoldChange): string {
  if (hold !== null) return `${host} is on hold: ${clean(hold.reason)}\n`
  if (before === null) return `${host} was not on hold\n`
  return `${host} is released; ${clean(before.principal)} held it since ${before.at}: ${clean(before.reason)}\n`
}
