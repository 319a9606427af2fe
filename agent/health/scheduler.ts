import type { Every, Waiting } from '../clock-jumps.ts'
import { restartOnClockJump } from '../clock-jumps.ts'
import type { CheckSetting } from '../config/checks.ts'
import type { Checks } from './checks.ts'
import type { CheckClock } from './run-check.ts'

/** What has not run for long, or in this boot, runs so long after the start: at boot others are still starting. */
const FIRST_MS = 20_000

/** A schedule that is kept. */
export interface Task extends Waiting {
  /** Milliseconds since the epoch. */
  nextRunAt(): number | null
  intervalMs(): number | null
}

/** What keeps schedules: node-cron, or a test. */
export type Cron = (setting: CheckSetting, run: () => Promise<unknown>) => Task

/** What the scheduler needs. */
export interface SchedulerOptions {
  readonly checks: Checks
  readonly cron: Cron
  readonly clock: CheckClock
  readonly every: Every
  readonly once: (ms: number, act: () => void) => () => void
  readonly warn: (error: unknown, text: string) => void
}

/** Runs every check when it is due, until it is stopped. */
export function startScheduler(options: SchedulerOptions): () => void {
  const { checks, cron, clock, every, once, warn } = options
  const run = (name: string) =>
    checks.run(name).catch((error: unknown) => warn(error, `check ${name} could not be run`))
  const tasks = new Map(
    checks.settings.map((setting) => [setting.name, cron(setting, () => run(setting.name))] as const)
  )
  checks.plan = {
    nextRunAt: (name) => tasks.get(name)?.nextRunAt() ?? null,
    intervalMs: (name) => tasks.get(name)?.intervalMs() ?? null
  }
  const stopWatching = restartOnClockJump([...tasks.values()], clock, every)
  const stopFirst = once(FIRST_MS, () => {
    for (const [name, task] of tasks) {
      const age = clock.now() - (checks.ranAt(name) ?? Number.NEGATIVE_INFINITY)
      // Each in each boot: a boot that ends before its time comes would be one that nobody saw.
      const due = Math.min(task.intervalMs() ?? 0, clock.monotonicMs())
      if (age < 0 || age > due) void run(name)
    }
  })
  for (const task of tasks.values()) task.start()
  return () => {
    stopWatching()
    stopFirst()
    for (const task of tasks.values()) task.stop()
  }
}

const silent = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} }

/** When something is due. */
export type Timetable = Pick<CheckSetting, 'schedule' | 'timeZone' | 'jitterSeconds'>

/** Schedules kept by node-cron, at minute granularity. Nothing that has a deadline may hang on it. */
export async function nodeCron(): Promise<(setting: Timetable, run: () => Promise<unknown>) => Task> {
  const { createTask } = await import('node-cron')
  return (setting, run) => {
    const task = createTask(setting.schedule, run, {
      timezone: setting.timeZone,
      noOverlap: true,
      maxRandomDelay: setting.jitterSeconds * 1000,
      suppressMissedWarning: true,
      logger: silent
    })
    // Searching for the next time costs up to milliseconds, and every scrape would ask.
    let next: number | null = null
    let interval: number | null = null
    return {
      stop: () => {
        next = interval = null
        void task.stop()
      },
      start: () => void task.start(),
      nextRunAt: () => {
        if (next === null || next <= Date.now()) next = task.getNextRun()?.getTime() ?? null
        return next
      },
      intervalMs: () => {
        if (interval !== null) return interval
        const [first, second] = task.getNextRuns(2)
        interval = first && second ? second.getTime() - first.getTime() : null
        return interval
      }
    }
  }
}

/** Timers of Node that keep no process alive. */
export const realTimers: Pick<SchedulerOptions, 'every' | 'once'> = {
  every: (ms, act) => {
    const timer = setInterval(act, ms).unref()
    return () => clearInterval(timer)
  },
  once: (ms, act) => {
    const timer = setTimeout(act, ms).unref()
    return () => clearTimeout(timer)
  }
}
