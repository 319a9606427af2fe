/** How often it is looked, where nothing else is said, whether the clock has jumped, in milliseconds. */
export const DRIFT_MS = 15_000
/** A jump; what time synchronisation does in one interval is far less. */
const JUMP_MS = 2000

/** The clock on the wall, in milliseconds since the epoch, and the one that only goes forward. */
export interface Clocks {
  now(): number
  monotonicMs(): number
}

/** Calls again and again; gives what ends that. */
export type Every = (ms: number, act: () => void) => () => void

/** What waits for a time. */
export interface Waiting {
  stop(): void
  start(): void
}

/**
 * Begins tasks anew when the clock has jumped, and after sleep, in which the monotonic clock stands still: what node-cron
 * waits for is then gone, or not come, and what comes late by more than a second it leaves out. Gives what ends the watching.
 */
export function restartOnClockJump(
  tasks: readonly Waiting[],
  { now, monotonicMs }: Clocks,
  every: Every,
  lookMs = DRIFT_MS
): () => void {
  let offset = now() - monotonicMs()
  return every(lookMs, () => {
    const seen = now() - monotonicMs()
    if (Math.abs(seen - offset) > JUMP_MS)
      for (const task of tasks) {
        task.stop()
        task.start()
      }
    offset = seen
  })
}
