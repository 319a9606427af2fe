import { readFileSync } from 'node:fs'
import type { Instant } from './journal/journal.ts'

/** The time as the journal records it. */
export interface Clock {
  now(): Instant
}

/** Milliseconds of CLOCK_MONOTONIC, the same in all processes of one boot; it stands still while the host sleeps. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

/** The clock of this host. The identity of the boot is read once. */
export function hostClock(
  bootIdFile = '/proc/sys/kernel/random/boot_id'
): Clock & { readonly bootId: string } {
  const bootId = readFileSync(bootIdFile, 'utf8').trim()
  return { bootId, now: () => ({ at: new Date().toISOString(), bootId, monotonicMs: monotonicMs() }) }
}
