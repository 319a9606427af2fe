import { uptime } from 'node:os'
import { runCommand } from '../../../shared/command.ts'
import { monotonicMs } from '../../clock.ts'
import type { Sign } from '../../health/soak/soak-clock.ts'
import type { Witness } from '../../health/soak/witness.ts'
import { bootBefore } from './boot-before.ts'
import { failedJobs } from './failed-jobs.ts'
import { CURRENT_SYSTEM } from './observe.ts'
import { tools } from './tools.ts'

/** What goes further beyond the last question than this was sleep, until the next answer says how much of it. */
const TRUSTED_MS = 120_000

/**
 * How long a Mac has slept since it booted, in milliseconds, from `sysctl -n hw.tbfrequency machdep.wake_conttime
 * machdep.wake_abstime`: two clocks in ticks at the last wake, of which one goes on during sleep. Null where it is not told:
 * Intel processors have no such counters.
 */
export function parseAsleep(text: string | null): number | null {
  const [, frequency, whole, awake] = /^(\d{1,12})\n(\d{1,20})\n(\d{1,20})\n?$/.exec(text ?? '') ?? []
  const ms = ((Number(whole) - Number(awake)) / Number(frequency)) * 1000
  return Number.isFinite(ms) && ms >= 0 ? ms : null
}

const sysctl = ['-n', 'hw.tbfrequency', 'machdep.wake_conttime', 'machdep.wake_abstime']
async function askAsleep(): Promise<number | null> {
  const asked = await runCommand([tools.sysctl, ...sysctl], { timeoutMs: 10_000 }).catch(() => null)
  return asked?.code === 0 ? parseAsleep(asked.stdout) : null
}

/** The clocks of a Mac: the one that Node has goes on while it sleeps. */
export class MacClock {
  readonly #nowMs: () => number
  readonly #ask: () => Promise<number | null>
  #asleepMs = 0
  #askedMs: number

  constructor(nowMs: () => number = monotonicMs, ask: () => Promise<number | null> = askAsleep) {
    this.#nowMs = nowMs
    this.#ask = ask
    this.#askedMs = nowMs()
  }

  /** Asks how long it has slept. Where macOS does not tell, sleep counts as being on. */
  async refresh(): Promise<void> {
    this.#asleepMs = (await this.#ask()) ?? this.#asleepMs
    this.#askedMs = this.#nowMs()
  }

  read(): Pick<Sign, 'monotonicMs' | 'bootMs'> {
    const bootMs = this.#nowMs()
    const doubtful = Math.max(0, bootMs - this.#askedMs - TRUSTED_MS)
    return { monotonicMs: bootMs - this.#asleepMs - doubtful, bootMs }
  }
}

/** What a Mac tells the soak ledger. */
export async function darwinWitness(bootId: string, clock = new MacClock()): Promise<Witness> {
  await clock.refresh()
  return {
    sign: () => ({ at: new Date().toISOString(), bootId, ...clock.read() }),
    refresh: () => clock.refresh(),
    journalClock: 'boot',
    // Nothing has slept when it began, so both clocks are the same there.
    upMs: (now) => Math.max(0, now.bootMs - uptime() * 1000),
    bootBefore,
    failedUnits: () => failedJobs(CURRENT_SYSTEM),
    bootSeconds: async () => null
  }
}
