import { lstat, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { durableWrite } from '../../../shared/durable-write.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import type { Baseline } from '../../operation/events.ts'
import { ignoreMissing } from '../nix/generations.ts'
import { isRunning, startTransient, stopUnit } from './systemd.ts'
import { guardCommand, guardUnit } from './units.ts'

const script = new URL('./guard.sh', import.meta.url)

/** What the guard allows beyond what a phase may take by itself, in seconds. */
export const GUARD_SECONDS = 60

/** Writes the guard's script into the operation's directory. */
export async function writeScript(directory: string): Promise<void> {
  await durableWrite(join(directory, 'guard.sh'), await readFile(script, 'utf8'), 0o700)
}

/** Writes what the guard of a system needs into the operation's directory: all but the countdown. */
export async function writeGuard(order: {
  readonly directory: string
  readonly settings: Settings
  readonly baseline: Baseline
}): Promise<void> {
  const { directory, baseline } = order
  const { profile } = order.settings
  const { number, storePath } = baseline.profile
  const link = number === null ? storePath : `${basename(profile)}-${number}-link`
  await writeScript(directory)
  await durableWrite(join(directory, 'baseline'), `${baseline.generation.storePath}\n`)
  await durableWrite(join(directory, 'profile'), `${profile} ${link}\n`)
}

/**
 * Has what the guard needs written into the operation's directory, starts it and sees that it runs. For a guard that runs
 * already a new serial restarts the countdown.
 */
export async function armGuard(order: {
  readonly id: string
  readonly directory: string
  readonly seconds: number
  readonly serial: number
  readonly write: () => Promise<void>
}): Promise<void> {
  const { id, directory, seconds, serial, write } = order
  const window = join(directory, 'window')
  const counted = await readFile(window, 'utf8').catch(ignoreMissing(null))
  if (counted === null) await write()
  if (counted?.split(' ')[0] !== String(serial)) await durableWrite(window, `${serial} ${seconds}\n`)
  const unit = guardUnit(id)
  if (await isRunning(unit)) return
  await startTransient(guardCommand(id, directory), unit)
  if (!(await isRunning(unit)))
    throw new BelayError('command-failed', 'the guard does not run', { found: unit })
}

/** Whether the guard's time came: it says so before it does anything. */
export async function guardFired(directory: string): Promise<boolean> {
  return (await lstat(join(directory, 'guard-fired')).catch(ignoreMissing(null))) !== null
}

/** Stops the guard; only once the operation has durably ended. */
export async function disarmGuard(id: string): Promise<void> {
  await stopUnit(guardUnit(id))
}
