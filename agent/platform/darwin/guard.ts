import { lstat, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { durableWrite, syncDirectory } from '../../../shared/durable-write.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import type { Baseline } from '../../operation/events.ts'
import { ignoreMissing } from '../nix/generations.ts'
import { guardJob, guardLabel, guardPlist, LAUNCH_DAEMONS } from './jobs.ts'
import { bootout, bootstrap, isRunning, jobState } from './launchctl.ts'
import { writePlist } from './plist.ts'

const script = new URL('./mac-guard.sh', import.meta.url)

/** A guard to be armed. */
export interface GuardOrder {
  readonly id: string
  readonly directory: string
  readonly settings: Settings
  readonly bootId: string
  readonly baseline: Baseline
  /** The system that is activated, which the guard leaves behind. */
  readonly candidate: string
  readonly seconds: number
  readonly serial: number
}

/**
 * Writes what the guard needs into the operation's directory, loads it and sees that it runs. For a guard that runs already
 * a new serial restarts the countdown.
 */
export async function armGuard(order: GuardOrder): Promise<void> {
  const { id, directory, settings, bootId, seconds, serial } = order
  const window = join(directory, 'window')
  const counted = await readFile(window, 'utf8').catch(ignoreMissing(null))
  if (counted === null) await writeGuard(order)
  if (counted?.split(' ')[0] !== String(serial))
    await durableWrite(window, `${serial} ${seconds} ${bootId} ${settings.limits.agentSeconds}\n`)
  const label = guardLabel(id)
  if ((await isThere(guardPlist(id))) && (await isRunning(label))) return
  if ((await jobState(label)) !== null) await bootout(label)
  await durableWrite(guardPlist(id), writePlist(guardJob(id, directory)), 0o644)
  await bootstrap(label, guardPlist(id))
  if (!(await isRunning(label)))
    throw new BelayError('command-failed', 'the guard does not run', { found: label })
}

/** All but the countdown. */
async function writeGuard({ directory, settings, baseline, candidate }: GuardOrder): Promise<void> {
  const { number, storePath } = baseline.profile
  const link = number === null ? storePath : `${basename(settings.profile)}-${number}-link`
  await durableWrite(join(directory, 'guard.sh'), await readFile(script, 'utf8'), 0o700)
  await durableWrite(join(directory, 'baseline'), `${baseline.generation.storePath}\n`)
  await durableWrite(join(directory, 'candidate'), `${candidate}\n`)
  await durableWrite(join(directory, 'profile'), `${settings.profile} ${link}\n`)
}

const isThere = async (path: string) => (await lstat(path).catch(ignoreMissing(null))) !== null

/** Whether the guard's time came: it says so before it does anything. */
export const guardFired = (directory: string): Promise<boolean> => isThere(join(directory, 'guard-fired'))

/** Removes the guard, first from what a boot would load; only once the operation has durably ended. */
export async function disarmGuard(id: string): Promise<void> {
  await rm(guardPlist(id), { force: true })
  await syncDirectory(LAUNCH_DAEMONS).catch(ignoreMissing(undefined))
  await bootout(guardLabel(id))
}
