import { setTimeout as delay } from 'node:timers/promises'
import { mustRun, runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { monotonicMs } from '../../clock.ts'
import type { JobState, Listed } from './launchctl-text.ts'
import { parseList, parsePrint } from './launchctl-text.ts'
import { tools } from './tools.ts'

const timeoutMs = 30_000
/** How `print` says that there is no such job. */
const NO_SUCH_JOB = 113
const RETRY_MS = 100

const launchctl = (...args: readonly string[]) => runCommand([tools.launchctl, ...args], { timeoutMs })
const target = (label: string) => `system/${label}`

/** What launchd says of a job of the system; null when it is not loaded. Throws `command-failed`. */
export async function jobState(label: string): Promise<JobState | null> {
  const { code, stdout, stderr } = await launchctl('print', target(label))
  if (code === NO_SUCH_JOB) return null
  const state = code === 0 ? parsePrint(stdout) : null
  if (state !== null) return state
  const found = code === 0 ? 'no state' : `exit code ${code}: ${stderr.trim().slice(0, 200)}`
  throw new BelayError('command-failed', `launchctl tells nothing of ${label}: ${found}`, {
    found,
    wanted: 'state'
  })
}

/** True while a job runs, comes up or goes down. One that is started at load counts before it has been. */
export async function isRunning(label: string): Promise<boolean> {
  const job = await jobState(label)
  return job !== null && (job.state !== 'not running' || job.runs === 0)
}

/** Loads a property list. Throws `operation-running` when the label is taken, and looks whether it holds. */
export async function bootstrap(label: string, plist: string): Promise<void> {
  if ((await jobState(label)) !== null)
    throw new BelayError('operation-running', `${label} is loaded already`, {
      found: label,
      wanted: 'no such job'
    })
  const { code, stderr } = await launchctl('bootstrap', 'system', plist)
  // Its exit codes have more meanings than one: whether the job is there now is what counts.
  if ((await jobState(label)) !== null) return
  throw new BelayError('command-failed', `${label} did not start: ${stderr.trim().slice(0, 300)}`, {
    found: code,
    wanted: 0
  })
}

/** Ends a job with its process group and unloads it; one that is not there is unloaded already. */
export async function bootout(label: string, limitMs = timeoutMs): Promise<void> {
  const end = monotonicMs() + limitMs
  await launchctl('bootout', target(label))
  // It may answer that it is still at it.
  while ((await jobState(label)) !== null) {
    if (monotonicMs() > end) {
      const text = `${label} is still there after ${limitMs} ms`
      throw new BelayError('command-timeout', text, { found: label, wanted: 'no such job' })
    }
    await delay(RETRY_MS)
  }
}

/** Starts a job anew; one that launchd has forgotten is loaded from its property list. */
export async function kickstart(label: string, plist: string): Promise<void> {
  if ((await jobState(label)) === null) return bootstrap(label, plist)
  // It waits for the end of the old process.
  await mustRun([tools.launchctl, 'kickstart', '-k', target(label)], { timeoutMs: 2 * timeoutMs })
}

/** The jobs of the system. */
export async function listJobs(): Promise<readonly Listed[]> {
  return parseList((await mustRun([tools.launchctl, 'list'], { timeoutMs })).stdout)
}

/** Whether somebody has a session on the screen. */
export async function hasGuiSession(uid: number): Promise<boolean> {
  return (await launchctl('print', `gui/${uid}`)).code === 0
}
