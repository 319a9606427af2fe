import { monotonicMs } from './clock.ts'
import type { Clocks, Every } from './clock-jumps.ts'
import { restartOnClockJump } from './clock-jumps.ts'
import type { Task, Timetable } from './health/scheduler.ts'
import { nodeCron, realTimers } from './health/scheduler.ts'

/** How often it is looked whether the clock has jumped: what is due once a day does not wake an idle host for it. */
export const LOOK_MS = 60_000

/** What keeps a schedule: node-cron and the clocks of the host, or a test. */
export interface Keeping {
  readonly cron: (setting: Timetable, run: () => Promise<unknown>) => Task
  readonly clock: Clocks
  readonly every: Every
}

/** Node-cron, and the clocks of this host. */
export async function byNode(): Promise<Keeping> {
  return { cron: await nodeCron(), clock: { now: () => Date.now(), monotonicMs }, every: realTimers.every }
}

/**
 * Keeps a schedule in UTC, also on a host that sleeps and where the clock is set. Nothing that has a deadline may hang on
 * it. Gives what ends it; throws for what is no schedule.
 */
export function keepSchedule(
  schedule: string,
  run: () => Promise<unknown>,
  { cron, clock, every }: Keeping
): () => void {
  const task = cron({ schedule, timeZone: 'UTC', jitterSeconds: 0 }, run)
  task.start()
  const stopWatching = restartOnClockJump([task], clock, every, LOOK_MS)
  return () => {
    stopWatching()
    task.stop()
  }
}
