import { userPattern } from '../../../shared/api/profile.ts'
import { BelayError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import type { GenerationLink } from '../nix/generations.ts'

/** Generations, failed and running units that are taken from a look; a user may have made any number. */
const MAX_LISTED = 500

/** What a look at a home has shown. All of it is the user's word. */
export interface HomeSeen {
  readonly uid: number
  readonly home: string
  /** The profile of home-manager: where it is, whether or not there is one. Null where there is no folder for it. */
  readonly profile: string | null
  /** Generation number and store path that the profile names. */
  readonly number: number | null
  readonly storePath: string | null
  readonly generations: readonly GenerationLink[]
  /** The link by which home-manager knows what it has activated last. */
  readonly root: string | null
  /** The generation whose files are linked in the home, by that link. */
  readonly running: string | null
  /** The user's service manager runs, answers, and is not about to end, as it does seconds after the last session. */
  readonly manager: boolean
  readonly failedUnits: readonly string[]
  /** Services, sockets, timers, paths and targets that are up or coming up. */
  readonly runningUnits: readonly string[]
}

/**
 * What a command line can carry as it is: nothing that a shell or systemd expands, no space, no quote. A home or a
 * profile elsewhere is refused.
 */
const PATH = /^\/[A-Za-z0-9@_+,./-]*$/
const UNIT = /^[A-Za-z0-9:_.\\@-]{1,255}$/
/** Listed where a service manager ends: systemd.special(7). */
const ENDING = ['exit.target', 'shutdown.target']
const USER = new RegExp(`^${userPattern}$`)

/** The user, unchanged. Throws `home-unknown` for what no path, option or unit name should be made of. */
export function parseUser(user: string): string {
  if (USER.test(user)) return user
  throw new BelayError(
    'home-unknown',
    `not a user name that is taken: ${JSON.stringify(user.slice(0, 80))}`,
    {
      found: user.slice(0, 80),
      wanted: userPattern
    }
  )
}

/** Reads what look.sh has told. What cannot be is left out; null where it did not come to its end. */
export function parseSeen(text: string): HomeSeen | null {
  const lines = text.trimEnd().split('\n')
  if (lines.at(-1) !== 'end of look') return null
  const values = (key: string) =>
    lines.flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []))
  const path = (key: string) => values(key).find((value) => PATH.test(value)) ?? null
  const uid = Number(values('uid')[0])
  const home = path('home')
  if (!Number.isSafeInteger(uid) || uid < 0 || home === null) return null
  const generations = values('generation')
    .slice(0, MAX_LISTED)
    .map(parseGeneration)
    .filter((generation) => generation !== null)
    .sort((a, b) => a.number - b.number)
  const listed = values('unit').map((value) => value.split(' '))
  const manager = lines.includes('manager') && !listed.some(([, unit = '']) => ENDING.includes(unit))
  // What a manager stops as it ends may fail; nothing of that is the home's.
  const units = manager ? listed : []
  const unitsIn = (states: readonly string[]) =>
    units
      .flatMap(([state = '', unit = '']) => (states.includes(state) && UNIT.test(unit) ? [unit] : []))
      .slice(0, MAX_LISTED)
      .sort()
  const current = generations.find(({ number }) => number === numberOf(values('link')[0] ?? ''))
  return {
    uid,
    home,
    profile: path('profile'),
    number: current?.number ?? null,
    storePath: current?.storePath ?? null,
    generations,
    root: path('root'),
    running: storePathOf(values('current')[0]),
    manager,
    failedUnits: unitsIn(['failed']),
    runningUnits: unitsIn(['active', 'activating'])
  }
}

function parseGeneration(value: string): GenerationLink | null {
  const [, seconds = '', name = '', target] = /^(\d{1,12}) (\S+) (.*)$/.exec(value) ?? []
  const number = numberOf(name)
  const storePath = storePathOf(target)
  const at = new Date(Number(seconds) * 1000)
  if (number === null || storePath === null || Number.isNaN(at.valueOf())) return null
  return { number, storePath, createdAt: at.toISOString() }
}

const numberOf = (link: string): number | null => {
  const number = Number(/^home-manager-([1-9]\d{0,14})-link$/.exec(link)?.[1])
  return Number.isSafeInteger(number) ? number : null
}

function storePathOf(text: string | undefined): string | null {
  try {
    return text === undefined ? null : parseStorePath(text)
  } catch {
    return null
  }
}
