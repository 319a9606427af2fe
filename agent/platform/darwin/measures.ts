import type { Measures } from '../../health/begin.ts'
import { judgeFailed } from '../../health/kinds/failed-units.ts'
import type { Finding, Thresholds, World } from '../../health/kinds/kind.ts'
import { fail, pass, some } from '../../health/kinds/kind.ts'
import { judgeErrors } from '../../health/kinds/log-errors.ts'
import { labelsIn } from './candidate.ts'
import { judgeJobs } from './failed-jobs.ts'
import type { Listed } from './launchctl-text.ts'
import { parseList } from './launchctl-text.ts'
import { CURRENT_SYSTEM } from './observe.ts'
import { tools } from './tools.ts'

/** The log of macOS is dear to read: so many minutes of it, so many bytes, and the time of the check. */
const LOG_MINUTES = 5
const LOG_BYTES = 4 * 1024 * 1024

async function jobsOf(world: World): Promise<readonly Listed[]> {
  const { code, stdout, stderr, ended } = await world.run([tools.launchctl, 'list'])
  if (code === 0) return parseList(stdout)
  throw new Error(`launchctl ${ended}: ${stderr.trim().slice(0, 200)}`)
}

/** Passes when each of these jobs runs. */
export function judgeRunning(units: readonly string[], listed: readonly Listed[]): Finding {
  const down = units.flatMap((unit) => {
    const job = listed.find(({ label }) => label === unit.replace(/\.service$/, ''))
    if (job === undefined) return [`${unit} is not loaded`]
    return job.pid === null ? [`${unit} does not run (${job.status ?? 'never started'})`] : []
  })
  return down.length > 0 ? fail(some(down)) : pass(`running: ${some(units)}`)
}

/** What the log's records say; a line before them, the count behind them, and one that was cut off are none. */
export function readLog(text: string, ignore: readonly string[]): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const message = messageOf(line)
    return message === null || ignore.some((part) => message.includes(part)) ? [] : [message]
  })
}

function messageOf(line: string): string | null {
  try {
    const record = JSON.parse(line) as { messageType?: unknown; eventMessage?: unknown } | null
    const { messageType, eventMessage } = record ?? {}
    const counts = messageType === 'Error' || messageType === 'Fault'
    return counts && typeof eventMessage === 'string' ? eventMessage.slice(0, 100) : null
  } catch {
    return null
  }
}

/** What checks that ask systemd ask of macOS. Their options are those of the kind. */
export const macMeasures: Measures = {
  'failed-units': (options) => async (world) => {
    const { ignore } = options as { ignore: readonly string[] }
    const own = await labelsIn(CURRENT_SYSTEM, 'Library/LaunchDaemons')
    return judgeFailed(judgeJobs(own, await jobsOf(world)), ignore)
  },
  service: (options) => async (world) =>
    judgeRunning((options as { units: readonly string[] }).units, await jobsOf(world)),
  'log-errors': (options) => async (world) => {
    const { ignore, ...bounds } = options as { ignore: readonly string[] } & Thresholds
    const predicate = 'messageType == error OR messageType == fault'
    const argv = [
      tools.log,
      'show',
      '--style',
      'ndjson',
      '--last',
      `${LOG_MINUTES}m`,
      '--predicate',
      predicate
    ]
    const { code, stdout, stderr, ended } = await world.run(argv, { maxOutput: LOG_BYTES })
    // A flood is counted as far as it was read.
    if (ended !== 'flood' && code !== 0) throw new Error(`log: ${stderr.trim().slice(0, 200) || ended}`)
    const errors = readLog(stdout, ignore)
    return judgeErrors((errors.length * 60) / LOG_MINUTES, errors.slice(0, 3), bounds)
  }
}
