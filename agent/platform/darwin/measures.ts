import { stat } from 'node:fs/promises'
import type { Measures } from '../../health/begin.ts'
import { judgeFailed } from '../../health/kinds/failed-units.ts'
import type { Measure, Thresholds, World } from '../../health/kinds/kind.ts'
import { judge, unknown } from '../../health/kinds/kind.ts'
import { judgeErrors } from '../../health/kinds/log-errors.ts'
import type { Count } from '../../health/kinds/service-restarts.ts'
import { increase, keepHour } from '../../health/kinds/service-restarts.ts'
import { labelsIn } from './candidate.ts'
import { containedMeasures } from './contained.ts'
import { judgeJobs } from './failed-jobs.ts'
import { hostMeasures } from './host-measures.ts'
import type { Listed } from './launchctl-text.ts'
import { parseList, parsePrint } from './launchctl-text.ts'
import { CURRENT_SYSTEM } from './observe.ts'
import { judgeRunning } from './running-jobs.ts'
import { FIRST_PERSON } from './session.ts'
import { tools } from './tools.ts'
import { userJobs } from './user-jobs.ts'

/** The log of macOS is dear to read: so many minutes of it, so many bytes, and the time of the check. */
const LOG_MINUTES = 5
const LOG_BYTES = 4 * 1024 * 1024

async function jobsOf(world: World): Promise<readonly Listed[]> {
  const { code, stdout, stderr, ended } = await world.run([tools.launchctl, 'list'])
  if (code === 0) return parseList(stdout)
  throw new Error(`launchctl ${ended}: ${stderr.trim().slice(0, 200)}`)
}

/** The jobs of the session on the screen; null while nobody is logged in there. */
async function sessionJobs(world: World): Promise<readonly Listed[] | null> {
  const { uid } = await stat(`${world.root}/dev/console`).catch(() => ({ uid: 0 }))
  if (uid < FIRST_PERSON) return null
  const { code, stdout } = await world.run([tools.launchctl, 'asuser', String(uid), tools.launchctl, 'list'])
  return code === 0 ? parseList(stdout) : null
}

/** By how often launchd has started a job; counting begins anew when it is loaded anew. */
function countStarts({ service, ...bounds }: { readonly service: string } & Thresholds): Measure {
  let seen: readonly Count[] = []
  return async (world) => {
    const label = service.replace(/\.service$/, '')
    const { code, stdout } = await world.run([tools.launchctl, 'print', `system/${label}`])
    const runs = code === 0 ? (parsePrint(stdout)?.runs ?? null) : null
    if (runs === null) return unknown(`launchd counts no starts of ${label}`)
    seen = keepHour([...seen, { at: world.monotonicMs(), count: runs }])
    const starts = increase(seen)
    return judge(starts, bounds, `${starts} starts of ${label} in the last hour`)
  }
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
  ...hostMeasures,
  ...containedMeasures,
  ...userJobs,
  'failed-units': (options) => async (world) => {
    const { ignore } = options as { ignore: readonly string[] }
    const [daemons, agents] = await Promise.all([
      labelsIn(CURRENT_SYSTEM, 'Library/LaunchDaemons'),
      labelsIn(CURRENT_SYSTEM, 'user/Library/LaunchAgents')
    ])
    const [jobs, session] = await Promise.all([
      jobsOf(world),
      agents.length === 0 ? null : sessionJobs(world)
    ])
    const failed = [...judgeJobs(daemons, jobs), ...(session === null ? [] : judgeJobs(agents, session))]
    return judgeFailed(failed, ignore)
  },
  service: (options) => async (world) => {
    const { units } = options as { units: readonly string[] }
    const jobs = await jobsOf(world)
    const isDaemon = (unit: string) => jobs.some(({ label }) => label === unit.replace(/\.service$/, ''))
    const session = units.every(isDaemon) ? null : await sessionJobs(world)
    return judgeRunning(units, [...jobs, ...(session ?? [])])
  },
  'service-restarts': (options) => countStarts(options as { service: string } & Thresholds),
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
