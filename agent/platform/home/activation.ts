import { runCommand } from '../../../shared/command.ts'
import { journalOf } from '../nixos/journal-of.ts'
import type { OutcomeFiles, UnitActivation } from '../nixos/unit-activation.ts'
import { unitActivation } from '../nixos/unit-activation.ts'
import type { Manager } from './as-user.ts'
import { asUser, homeUnit } from './as-user.ts'
import { activateCommand } from './candidate.ts'

/** A generation to activate. */
export interface HomeAction {
  readonly storePath: string
  /** Its own command line, see `activateCommand`. */
  readonly script: readonly string[]
  /** What is in the way of the way back is moved aside. */
  readonly wayBack: boolean
}

/** Whose home is activated, by which operation. */
export interface HomeOrder {
  readonly id: string
  readonly user: string
  readonly manager: Manager
  readonly limitSeconds: number
}

/** What home-manager puts behind the name of a file that it moves aside. */
export const backupSuffix = (id: string) => `belay-${id.toLowerCase()}`

/**
 * The systemd-run command line of an activation. How it ended is written by root, into a directory that no user may
 * enter; nothing there is of the user. systemd expands `$` and `%` in properties, so none of ours may contain them.
 */
export function homeCommand(order: HomeOrder, action: HomeAction, files: OutcomeFiles | null): string[] {
  const { id, user, manager, limitSeconds } = order
  const { outcomeScript, outcomeFile } = files ?? {}
  for (const text of [id, user, ...action.script, ...(files === null ? [] : [outcomeScript, outcomeFile])])
    if (text === undefined || /[$%"'\\\s]/.test(text))
      throw new Error(`not fit for a unit's command line: ${JSON.stringify(text)}`)
  return [
    ...asUser(user, manager, limitSeconds),
    `--unit=${homeUnit(user)}`,
    `--property=LogExtraFields=BELAY_OPERATION=${id}`,
    ...(action.wayBack ? [`--setenv=HOME_MANAGER_BACKUP_EXT=${backupSuffix(id)}`] : []),
    ...(files === null ? ['--wait'] : [`--property=ExecStopPost=+/bin/sh ${outcomeScript} ${outcomeFile}`]),
    '--',
    ...action.script
  ]
}

/** What brings a generation in, with its own command line. */
export const actionOf = async (storePath: string, wayBack: boolean): Promise<HomeAction> => ({
  storePath,
  script: await activateCommand(storePath),
  wayBack
})

/** Activations of a home for one operation. */
export function homeActivation(
  directory: string,
  order: Omit<HomeOrder, 'manager'>,
  managerNow: () => Manager
): UnitActivation<HomeAction> {
  return unitActivation<HomeAction>({
    unit: homeUnit(order.user),
    directory,
    limitSeconds: order.limitSeconds,
    good: ['0'],
    command: (action, files) => homeCommand({ ...order, manager: managerNow() }, action, files),
    describe: ({ storePath }) => `${storePath}/activate`
  })
}

/** What the activation of an operation has written, all that there is by now. */
export async function outputOf(user: string, id: string): Promise<readonly string[]> {
  // What was written a moment ago may not have arrived.
  await runCommand(['journalctl', '--sync'], { timeoutMs: 10_000 })
  const { stdout } = await runCommand(journalOf([homeUnit(user)], id), { timeoutMs: 10_000 })
  return stdout.split('\n')
}
