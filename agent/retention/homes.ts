import { homeOf } from '../../shared/api/profile.ts'
import type { Retained } from '../../shared/api/retention.ts'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { Settings } from '../config/settings.ts'
import { readKnownGood } from '../operation/known-good.ts'
import { profileDirectory } from '../operation/profiles.ts'
import { runAsUser } from '../platform/home/as-user.ts'
import { integrationOf } from '../platform/home/integrated.ts'
import { lookAtHome } from '../platform/home/look.ts'
import { observed } from '../platform/home/observe.ts'
import type { HomeSeen } from '../platform/home/seen.ts'
import { KNOWN_GOOD, unfinishedOperations } from './evidence.ts'
import { planRetention } from './plan.ts'

/** What a retention did with a home, or would do. */
export interface CollectedHome {
  readonly user: string
  readonly generations: readonly Retained[]
  readonly deleted: readonly number[]
  /** Why nothing was done, or what went wrong; null where nothing did. */
  readonly problem: string | null
}

/** What a home is asked, and how it is changed. */
export interface HomeWorld {
  /** Null for a home that is a part of the system, which has no generations of its own. */
  readonly look: (user: string) => Promise<HomeSeen | null>
  readonly remove: (user: string, profile: string, numbers: readonly number[]) => Promise<void>
}

/** Moving a profile waits for a garbage collection that runs. */
const LIMIT = 120

const realHomes: HomeWorld = {
  look: async (user) => ((await integrationOf(user)) === null ? lookAtHome(user) : null),
  remove: async (user, profile, numbers) => {
    const argv = ['nix-env', '--profile', profile, '--delete-generations', ...numbers.map(String)]
    await runAsUser(argv, { user, manager: null, limitSeconds: LIMIT })
  }
}

/** The rule of the system for the generations of each home, which are deleted as its user. None keeps another waiting. */
export async function collectHomes(
  settings: Settings,
  nowMs: number,
  dryRun: boolean,
  world = realHomes
): Promise<readonly CollectedHome[]> {
  const collected: CollectedHome[] = []
  for (const user of settings.homes.users)
    collected.push(
      await collectHome(user, settings, nowMs, dryRun, world).catch((error: unknown) => ({
        ...{ user, generations: [], deleted: [] },
        problem: describeError(error)
      }))
    )
  return collected
}

async function collectHome(
  user: string,
  settings: Settings,
  nowMs: number,
  dryRun: boolean,
  { look, remove }: HomeWorld
): Promise<CollectedHome> {
  const profile = homeOf(user)
  const seen = await look(user)
  if (seen === null)
    return { user, generations: [], deleted: [], problem: 'a part of the system, whose generations have it' }
  const [open] = await unfinishedOperations(settings, profile)
  if (open !== undefined) {
    const { id } = open.accepted
    const text = `operation ${id} is ${open.phase}; nothing is deleted meanwhile`
    throw new BelayError('operation-running', text, {
      found: id,
      wanted: 'a home on which nothing is under way'
    })
  }
  const good = await readKnownGood(profileDirectory(settings.stateDirectory, profile))
  const knownGood = good.map(({ storePath }) => storePath).filter((path) => path !== seen.running)
  const evidence = {
    seen: observed(user, seen, null),
    generations: seen.generations.map((link) => ({ ...link, systems: [link.storePath] })),
    knownGood: knownGood.slice(0, KNOWN_GOOD),
    unfinished: []
  }
  const generations = planRetention(evidence, { ...settings.retention, nowMs })
  const going = generations.filter(({ keep }) => !keep).map(({ number }) => number)
  if (dryRun || going.length === 0 || seen.profile === null)
    return { user, generations, deleted: [], problem: null }
  await remove(user, seen.profile, going)
  assertGone(await look(user), generations)
  return { user, generations, deleted: going, problem: null }
}

/** Throws unless what was to stay is there, and nothing of what was to go. */
function assertGone(seen: HomeSeen | null, generations: readonly Retained[]): void {
  const there = new Set(seen?.generations.map(({ number }) => number))
  const wrong = generations
    .filter(({ keep, number }) => keep !== there.has(number))
    .map(({ number }) => number)
  if (wrong.length === 0) return
  const text = `after the deletion these generations are not as they were to be: ${wrong.join(', ')}`
  throw new BelayError('command-failed', text, { found: [...there], wanted: generations })
}
