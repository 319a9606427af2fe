import type { Instant } from './journal/journal.ts'

/** The time as the journal records it. */
export interface Clock {
  now(): Instant
}

/** Milliseconds of CLOCK_MONOTONIC, the same in all processes of one boot; it stands still while the host sleeps. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/** The clock of this host, in a boot that its platform identifies. */
export function hostClock(bootId: string): Clock & { readonly bootId: string } {
  return { bootId, now: () => ({ at: new Date().toISOString(), bootId, monotonicMs: monotonicMs() }) }
}
