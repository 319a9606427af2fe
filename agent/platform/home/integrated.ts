import { lstat } from 'node:fs/promises'
import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import { ignoreMissing } from '../nix/generations.ts'

/** The unit in which the system activates the home of a user that is a part of it. */
export const integratedUnit = (user: string) => `home-manager-${user.replaceAll('-', '\\x2d')}.service`

/** Where the system puts the unit that does the same in the service manager of each user. */
const USER_UNIT = '/etc/systemd/user/home-manager.service'

/** A home that is a part of the system. */
export interface Integrated {
  readonly unit: string
  /** What is wrong with it, in words; null for nothing. */
  readonly problem: string | null
}

/** Whether the system activates the home of a user; null where it does not. */
export async function integrationOf(user: string): Promise<Integrated | null> {
  const unit = integratedUnit(user)
  const argv = ['systemctl', 'show', '--property=LoadState,ActiveState,SubState,Result', '--', unit]
  const { stdout, stderr } = await runCommand(argv, { timeoutMs: 10_000 })
  if (!/^LoadState=/m.test(stdout)) {
    const text = `systemctl tells nothing of ${unit}: ${stderr.trim()}`
    throw new BelayError('command-failed', text, { found: stderr.trim(), wanted: 'LoadState' })
  }
  const found = judgeUnit(unit, stdout)
  if (found !== null) return found
  const there = (await lstat(USER_UNIT).catch(ignoreMissing(null))) !== null
  return there ? { unit: USER_UNIT, problem: null } : null
}

/** Judges what `systemctl show` says of the unit; null where there is no such unit. */
export function judgeUnit(unit: string, shown: string): Integrated | null {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(shown)?.[1] ?? ''
  if (value('LoadState') === 'not-found') return null
  const active = value('ActiveState')
  if (active === 'active' || active === 'activating') return { unit, problem: null }
  return { unit, problem: `${unit} is ${active} (${value('SubState')}, ${value('Result')})` }
}

/** Throws `home-integrated` for a home that the system activates: it is never activated twice. */
export async function assertStandalone(user: string): Promise<void> {
  const integrated = await integrationOf(user)
  if (integrated === null) return
  const text = `the home of ${user} is a part of the system (${integrated.unit}), which activates it`
  throw new BelayError('home-integrated', text, {
    found: integrated.unit,
    wanted: 'an activation of the system',
    at: 'profile'
  })
}
