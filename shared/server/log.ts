import { pino } from 'pino'

/** A daemon's log: JSON lines on standard error with journald's priority in front, written as they come. */
export function createLogger(level: string) {
  const underJournald = process.env.JOURNAL_STREAM !== undefined
  const write = (line: string) => {
    process.stderr.write(underJournald ? `<${priorityOf(line)}>${line}` : line)
  }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write })
}
/** What a part of a daemon says for the log, or for whoever passes it on. */
export interface Notes {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}
export type Logger = ReturnType<typeof createLogger>

/** sd-daemon(3): 3 error, 4 warning, 6 info, 7 debug. */
function priorityOf(line: string): number {
  const level = Number(/"level":(\d+)/.exec(line)?.[1] ?? 30)
  if (level >= 50) return 3
  if (level >= 40) return 4
  return level >= 30 ? 6 : 7
}
