import type { Issued } from './records.ts'

/** Where a certificate stands. `due`: half of its life is over, and it is time for another. */
export type Standing = 'good' | 'due' | 'expired' | 'replaced' | 'revoked'

/** Where a certificate stands at a moment. */
export function standingOf({ from, until, replaced, revoked }: Issued, now: number): Standing {
  if (revoked !== null) return 'revoked'
  if (now > Date.parse(until)) return replaced ? 'replaced' : 'expired'
  if (replaced) return 'replaced'
  return now > (Date.parse(from) + Date.parse(until)) / 2 ? 'due' : 'good'
}

/** Whole days of the life that a certificate was given; the same again when it is renewed. */
export const daysOf = ({ from, until }: Issued): number =>
  Math.max(1, Math.floor((Date.parse(until) - Date.parse(from)) / 86_400_000))
