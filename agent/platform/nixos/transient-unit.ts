import { readFile } from 'node:fs/promises'
import type { Outcome } from '../../operation/events.ts'
import { ignoreMissing } from '../nix/generations.ts'

/** The unit in which nixos-rebuild itself activates: a hand-made switch and ours exclude each other by its name. */
export const ACTIVATION_UNIT = 'nixos-rebuild-switch-to-configuration'

/** An activation in a unit of its own. */
export interface Activation {
  readonly toplevel: string
  readonly action: 'test' | 'boot' | 'switch'
  /** Passes the generation's pre-switch checks over: the way back is not to be refused. */
  readonly unchecked: boolean
  /** Goes into every journal record of the unit as `BELAY_OPERATION`, by which its output is found again. */
  readonly operation: string
  /** The script and all that it started are ended after so many seconds. */
  readonly limitSeconds: number
  /** {@link outcomeScript} in a file, and where it writes when the unit ends. */
  readonly outcomeScript: string
  readonly outcomeFile: string
}

/**
 * Run by the service manager when the unit has ended. A file of its own: between TypeScript, D-Bus, systemd and a
 * shell, a `$` on the command line has too many readers.
 */
export const outcomeScript =
  'echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" >"$1.new" && mv -f "$1.new" "$1"\n'

/**
 * The `systemd-run` command line. No `--pipe`: a broken pipe makes the real tool panic (101) in mid-switch. Output goes
 * to journald, which bounds it. systemd expands `$` and `%` in arguments, so none of ours may contain them.
 */
export function activationCommand(activation: Activation): string[] {
  const { toplevel, action, unchecked, operation, limitSeconds, outcomeScript, outcomeFile } = activation
  for (const text of [toplevel, operation, outcomeScript, outcomeFile]) {
    if (/[$%"'\\\s]/.test(text)) throw new Error(`not fit for a unit's command line: ${JSON.stringify(text)}`)
  }
  return [
    'systemd-run',
    `--unit=${ACTIVATION_UNIT}`,
    '--collect',
    '--no-ask-password',
    '--quiet',
    '--service-type=exec',
    `--property=RuntimeMaxSec=${limitSeconds}`,
    '--property=TimeoutStopSec=10',
    `--property=LogExtraFields=BELAY_OPERATION=${operation}`,
    ...(unchecked ? ['--setenv=NIXOS_NO_CHECK=1'] : []),
    `--property=ExecStopPost=/bin/sh ${outcomeScript} ${outcomeFile}`,
    '--',
    `${toplevel}/bin/switch-to-configuration`,
    action
  ]
}

/** What the unit wrote when it ended; null while it has not, or when it never got to write. */
export async function readOutcome(path: string): Promise<Outcome | null> {
  const text = await readFile(path, 'utf8').catch(ignoreMissing(''))
  const [, result, code, status] = /^(\S+) (\S+) (\S+)\n$/.exec(text) ?? []
  return result && code && status ? { result, code, status } : null
}
