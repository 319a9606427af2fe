import { uptime } from 'node:os'
import { monotonicMs } from '../../clock.ts'
import type { Witness } from '../../health/soak/witness.ts'
import { failedJobs } from './failed-jobs.ts'
import { CURRENT_SYSTEM } from './observe.ts'

/**
 * What a Mac tells the soak ledger. Its one clock goes on while it sleeps, so sleep is not told from being on, and nothing
 * is known of the boot before: see docs/darwin.md.
 */
export function darwinWitness(bootId: string): Witness {
  return {
    sign: () => ({ at: new Date().toISOString(), bootId, monotonicMs: monotonicMs(), bootMs: monotonicMs() }),
    upMs: (now) => Math.max(0, now.monotonicMs - uptime() * 1000),
    bootBefore: async () => ({ logins: [], system: [], lastAt: null }),
    failedUnits: () => failedJobs(CURRENT_SYSTEM),
    bootSeconds: async () => null
  }
}
