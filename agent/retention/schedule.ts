import { codeOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/server/log.ts'
import type { Settings } from '../config/settings.ts'
import type { Keeping } from '../keep-schedule.ts'
import { byNode, keepSchedule } from '../keep-schedule.ts'

/** Begins a retention when the schedule says so. Gives what ends it. */
export async function scheduleRetention(
  settings: Pick<Settings, 'retention'>,
  begin: () => Promise<void>,
  logger: Pick<Logger, 'error'>,
  keeping?: Keeping
): Promise<() => void> {
  const { schedule } = settings.retention
  if (schedule === null) return () => {}
  const start = () =>
    begin().catch((error: unknown) =>
      // One that still runs is no news.
      codeOf(error) === 'operation-running'
        ? undefined
        : logger.error({ err: error }, 'retention did not start')
    )
  try {
    return keepSchedule(schedule, start, keeping ?? (await byNode()))
  } catch (error) {
    // Not worth keeping the agent from its work.
    logger.error({ err: error, schedule }, 'there is no such schedule; no generation is deleted')
    return () => {}
  }
}
