import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { toolPath } from '../agent-command.ts'
import { HOME_UNITS } from '../nixos/units.ts'

/** The service manager of a user whose home is activated, where it runs: its runtime directory is of this user. */
export type Manager = { readonly uid: number } | null

/** The unit in which a home is activated, and everything else is done to it that changes it. */
export const homeUnit = (user: string) => `${HOME_UNITS}${user}.service`

/**
 * The beginning of every command line that touches a home: a unit of its own, as the user, with nothing of ours in its
 * environment but PATH. Root itself never opens a path in a home, and starts nothing that lies in one.
 */
export function asUser(user: string, manager: Manager, limitSeconds: number): string[] {
  const runtime = manager === null ? null : `/run/user/${manager.uid}`
  return [
    'systemd-run',
    ...['--collect', '--quiet', '--no-ask-password', '--expand-environment=no', '--service-type=exec'],
    `--uid=${user}`,
    ...[`--property=RuntimeMaxSec=${limitSeconds}`, '--property=TimeoutStopSec=10'],
    `--setenv=PATH=${toolPath()}`,
    ...(runtime === null
      ? []
      : [`--setenv=XDG_RUNTIME_DIR=${runtime}`, `--setenv=DBUS_SESSION_BUS_ADDRESS=unix:path=${runtime}/bus`])
  ]
}

/** How a command is run as a user. */
export interface AsUser {
  readonly user: string
  readonly manager: Manager
  readonly limitSeconds: number
  readonly input?: string
}

/** Runs a short command as the user and waits for it. Throws `command-failed` or `command-timeout`. */
export async function runAsUser(argv: readonly string[], how: AsUser): Promise<string> {
  const { user, manager, limitSeconds, input } = how
  // A look is not worth lines in the journal.
  const quiet = ['--property=LogLevelMax=warning', '--property=TasksMax=64']
  const unit = [...asUser(user, manager, limitSeconds), ...quiet, '--wait', '--pipe', '--']
  const { code, stdout, stderr, timedOut } = await runCommand([...unit, ...argv], {
    timeoutMs: (limitSeconds + 5) * 1000,
    maxOutput: 256 * 1024,
    ...(input === undefined ? {} : { input })
  })
  if (code === 0) return stdout
  const what = `${argv[0]} as ${user}`
  if (timedOut) throw new BelayError('command-timeout', `${what} did not end within ${limitSeconds} s`)
  const end = stderr.trim().split('\n').slice(-5).join('\n').slice(0, 1000)
  throw new BelayError('command-failed', `${what} exited with ${code}: ${end}`, { found: code, wanted: 0 })
}
