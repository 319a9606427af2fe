import { codeOf } from '../../shared/errors.ts'
import type { Logger } from '../../shared/server/log.ts'
import type { Settings } from '../config/settings.ts'

/** Begins a retention when the schedule says so. Gives what ends it. */
export async function scheduleRetention(
  settings: Settings,
  begin: () => Promise<void>,
  logger: Logger
): Promise<() => void> {
  const { schedule: text } = settings.retention
  if (text === null) return () => {}
  const { schedule } = await import('node-cron')
  const start = () =>
    begin().catch((error: unknown) =>
      // One that still runs is no news.
      codeOf(error) === 'operation-running'
        ? undefined
        : logger.error({ err: error }, 'retention did not start')
    )
  try {
    const job = schedule(text, start, { timezone: 'UTC', noOverlap: true, suppressMissedWarning: true })
    return () => void job.stop()
  } catch (error) {
    // Not worth keeping the agent from its work.
    logger.error({ err: error, schedule: text }, 'there is no such schedule; no generation is deleted')
    return () => {}
  }
}
