import type { Hold } from '../../shared/api/hold.ts'
import { runCommand } from '../../shared/command.ts'
import { BelayError } from '../../shared/errors.ts'
import type { MaintenanceWindow } from '../../shared/window.ts'
import { describeWindow, isOpen, nextOpening } from '../../shared/window.ts'
import type { Settings } from '../config/settings.ts'
import { readHold } from '../operation/hold.ts'
import type { Finding } from './check.ts'
import { byStrictness, check, fail, pass, unknown, warn } from './check.ts'

/** Nobody has put the host on hold. */
export const hold = check({
  name: 'hold',
  look: ({ settings }) => readHold(settings.stateDirectory),
  judge: judgeHold
})

/** A maintenance window is open, or somebody wants it all the same. */
export const window = check({
  name: 'window',
  look: async () => null,
  judge: (_, { settings, nowMs, outsideWindow }) => judgeWindow(settings.windows, nowMs, outsideWindow)
})

/** Somebody can get in when the network is gone. */
export const secondWay = check({
  name: 'second-way',
  look: async () => null,
  judge: (_, { settings }) => judgeSecondWay(settings)
})

/** Nobody is interrupted in their work. */
export const users = check({
  name: 'users',
  look: async (_, signal) => loggedIn(signal),
  judge: (seen, { settings }) => judgeUsers(seen, settings.preflight.users)
})

/** Refuses at admission what the checks of hold and window would refuse later: `held`, `outside-window`. */
export async function assertOpen(settings: Settings, nowMs: number, outside: string | null): Promise<void> {
  const held = judgeHold(await readHold(settings.stateDirectory))
  for (const { code, evidence, remedy } of [held, judgeWindow(settings.windows, nowMs, outside)])
    if (code !== null)
      throw new BelayError(code, `${evidence}; ${remedy}`, { found: evidence, wanted: remedy })
}

export function judgeHold(held: Hold | null): Finding {
  if (held === null) return pass('not on hold')
  const { reason, principal, at } = held
  const remedy = 'belay-agent release lets activations in again; ask whoever put it on hold'
  return fail('held', `on hold since ${at} by ${principal}: ${reason}`, remedy)
}

export function judgeWindow(
  windows: readonly MaintenanceWindow[],
  nowMs: number,
  outside: string | null
): Finding {
  if (windows.length === 0) return pass('no maintenance windows: always')
  const all = windows.map(describeWindow).join('; ')
  if (isOpen(windows, nowMs)) return pass(`a window is open: ${all}`)
  const next = nextOpening(windows, nowMs)
  const opens = next === null ? 'none opens' : `the next opens at ${new Date(next).toISOString()}`
  if (outside !== null)
    return warn(`outside the windows, as ${outside} asked; ${opens}`, 'nothing, where it was meant')
  const remedy = 'wait for it, or ask with --outside-window where it cannot wait'
  return fail('outside-window', `no maintenance window is open; ${opens} (${all})`, remedy)
}

export function judgeSecondWay(settings: Pick<Settings, 'physicalAccess' | 'secondWayIn'>): Finding {
  const { physicalAccess, secondWayIn } = settings
  if (secondWayIn !== null) return pass(`second way in: ${secondWayIn}`)
  if (physicalAccess) return pass('somebody can reach the console')
  const remedy = 'find one (a serial console, a rescue system), and name it in the setting secondWayIn'
  return fail('no-second-way', 'nobody can reach this host, and no second way in is known', remedy)
}

export function judgeUsers(names: readonly string[] | null, strictness: 'warn' | 'fail'): Finding {
  if (names === null) return unknown('neither loginctl nor who could be asked')
  if (names.length === 0) return pass('nobody but root is logged in')
  const shown = names.slice(0, 10).join(', ')
  const remedy = 'ask them to save their work, or wait until they have gone'
  return byStrictness(strictness, 'users-logged-in', `logged in: ${shown}`, remedy)
}

/** People who are logged in, root aside, whose session may well be ours; null where nobody can tell. */
async function loggedIn(signal: AbortSignal): Promise<readonly string[] | null> {
  const run = (argv: readonly string[]) => runCommand(argv, { timeoutMs: 5000, signal })
  const sessions = await run(['loginctl', 'list-sessions', '--json=short'])
  const names = sessions.code === 0 ? parseSessions(sessions.stdout) : null
  if (names !== null) return names
  const who = await run(['who'])
  return who.code === 0 ? parseWho(who.stdout) : null
}

/** Names in the answer of loginctl; null for another answer. Older ones tell no class. */
export function parseSessions(text: string): readonly string[] | null {
  try {
    const sessions = JSON.parse(text) as { user?: unknown; class?: unknown }[]
    const people = sessions.filter(({ class: kind }) => typeof kind !== 'string' || kind.startsWith('user'))
    return distinct(people.map(({ user }) => String(user)))
  } catch {
    return null
  }
}

/** Names in the answer of who. */
export const parseWho = (text: string) => distinct(text.split('\n').map((line) => line.split(/\s/)[0] ?? ''))

const distinct = (names: readonly string[]) =>
  [...new Set(names)].filter((name) => name !== '' && name !== 'root').sort()
