import { mustRun, runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { isOurs } from './units.ts'

const timeoutMs = 30_000

/**
 * Names of the units that have failed, sorted. The transient units of an operation are none of the host's: one that
 * ends with an exit code is listed for the moment until systemd forgets it.
 */
export async function failedUnits(): Promise<readonly string[]> {
  const { stdout } = await mustRun(['systemctl', 'list-units', '--state=failed', '--output=json'], {
    timeoutMs
  })
  const units = JSON.parse(stdout.trim() || '[]') as { unit: string }[]
  return units
    .map(({ unit }) => unit)
    .filter((unit) => !isOurs(unit))
    .sort()
}

/** True while a unit is up, comes up or goes down. */
export async function isRunning(unit: string): Promise<boolean> {
  const { stdout } = await runCommand(['systemctl', 'show', '--property=ActiveState', unit], { timeoutMs })
  const state = /^ActiveState=(.*)$/m.exec(stdout)?.[1]
  return state !== undefined && state !== 'inactive' && state !== 'failed'
}

/** Makes systemd forget a unit that has failed, so that its name can be taken again. */
export async function forget(unit: string): Promise<void> {
  await runCommand(['systemctl', 'reset-failed', unit], { timeoutMs })
}

/** What a unit says of itself; empty when it is not there. */
export async function descriptionOf(unit: string): Promise<string> {
  const { stdout } = await runCommand(['systemctl', 'show', '--property=Description', unit], { timeoutMs })
  return /^Description=(.*)$/m.exec(stdout)?.[1] ?? ''
}

/** Stops a unit with all its processes; one that is not there is stopped already. */
export async function stopUnit(unit: string, limitMs = timeoutMs): Promise<void> {
  await runCommand(['systemctl', 'stop', unit], { timeoutMs: limitMs })
}

/** Starts a transient unit. Its name is a mutex: throws `operation-running` when it is taken. */
export async function startTransient(argv: readonly string[], unit: string): Promise<void> {
  const result = await runCommand(argv, { timeoutMs })
  if (result.code === 0) return
  if (/already loaded|already exists/.test(result.stderr)) {
    throw new BelayError('operation-running', `${unit} runs already`, { found: unit, wanted: 'no such unit' })
  }
  throw new BelayError('command-failed', `${unit} did not start: ${result.stderr.trim()}`, {
    found: result.code,
    wanted: 0
  })
}
