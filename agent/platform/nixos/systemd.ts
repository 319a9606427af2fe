import { setTimeout as delay } from 'node:timers/promises'
import { mustRun, runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { isOurs } from './units.ts'

const timeoutMs = 30_000
/** A service manager that is re-executed answers nobody for a moment. */
const ATTEMPTS = 10
const RETRY_MS = 200

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

/** What the service manager says of a unit. */
export interface UnitState {
  /** True while it is up, comes up or goes down. */
  readonly running: boolean
  /** It has failed and will be started again. */
  readonly waitsForRestart: boolean
  /** What it says of itself; its name when it is not there. */
  readonly description: string
}

/** Asks for a unit's state, again while the service manager starts itself anew. Throws `command-failed`. */
export async function stateOf(unit: string): Promise<UnitState> {
  const argv = ['systemctl', 'show', '--property=ActiveState,SubState,Description', unit]
  for (let attempt = 1; ; attempt++) {
    const { stdout, stderr } = await runCommand(argv, { timeoutMs })
    const property = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1]
    const active = property('ActiveState')
    if (active !== undefined) {
      return {
        running: active !== 'inactive' && active !== 'failed',
        waitsForRestart: property('SubState') === 'auto-restart',
        description: property('Description') ?? ''
      }
    }
    if (attempt === ATTEMPTS) {
      const text = `systemctl tells nothing of ${unit}: ${stderr.trim()}`
      throw new BelayError('command-failed', text, { found: stderr.trim(), wanted: 'ActiveState' })
    }
    await delay(RETRY_MS)
  }
}

/** True while a unit is up, comes up or goes down. */
export async function isRunning(unit: string): Promise<boolean> {
  return (await stateOf(unit)).running
}

/** Makes systemd forget a unit that has failed, so that its name can be taken again. */
export async function forget(unit: string): Promise<void> {
  await runCommand(['systemctl', 'reset-failed', unit], { timeoutMs })
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
