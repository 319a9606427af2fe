import { homeOf } from '../../../shared/api/profile.ts'
import { BelayError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { monotonicMs } from '../../clock.ts'
import type { Settings } from '../../config/settings.ts'
import type { Observed } from '../../operation/drift.ts'
import { markOf, readMarks } from '../../operation/marks.ts'
import { profileDirectory } from '../../operation/profiles.ts'
import { inStore } from '../nix/store-file.ts'
import type { Homes, ProfileHost } from '../platform.ts'
import { assertHome } from './candidate.ts'
import { assertStandalone } from './integrated.ts'
import { assertAccount, lookAtHome } from './look.ts'
import { observeHome, unseen } from './observe.ts'

/** So long a glance waits, in milliseconds: no home holds up a host that tells of itself. */
const GLANCE_MS = 2000

/** The homes of the configuration, as the listening half sees them. */
export function homesOf(settings: Settings): Homes {
  const all = new Map(settings.homes.users.map((user) => [user, homeHost(user, settings)]))
  return {
    users: settings.homes.users,
    of: (user) => {
      const home = all.get(user)
      if (home) return home
      throw new BelayError('home-unknown', `the home of ${user} is not looked after here`, { found: user })
    }
  }
}

/** Whether a home generation is in the store. */
const isComplete = async (storePath: string) => (await inStore(`${storePath}/activate`)) !== null

function homeHost(user: string, settings: Settings): ProfileHost {
  const { hostName, stateDirectory } = settings
  const observe = () => observeHome(user, stateDirectory)
  return {
    observe,
    glance: glanceAt(user, observe),
    isComplete,
    running: async () => (await lookAtHome(user)).running,
    generations: async () => {
      const seen = await lookAtHome(user)
      const marks = await readMarks(profileDirectory(stateDirectory, homeOf(user))).catch(() => [])
      return seen.generations.map((link) => ({
        ...link,
        current: link.number === seen.number,
        running: link.storePath === seen.running,
        knownGood: markOf(marks, link.storePath).state === 'good',
        mark: markOf(marks, link.storePath)
      }))
    },
    generation: async (number) => {
      const { generations } = await lookAtHome(user)
      const found = generations.find((link) => link.number === number)
      if (found === undefined)
        throw new BelayError('generation-unknown', `no generation ${number} of the home of ${user}`, {
          found: number,
          wanted: generations.map((link) => link.number),
          at: 'generation'
        })
      // What a link of a user names need be no home at all.
      await assertHome(found.storePath, user)
      return { number, storePath: found.storePath }
    },
    assertCandidate: async (storePath) => {
      await assertAccount(user)
      await assertStandalone(user)
      await assertHome(parseStorePath(storePath), user)
    },
    preview: async (storePath, options) => {
      const { previewHome } = await import('./preview.ts')
      return previewHome(storePath, options, { hostName, user, seen: await lookAtHome(user) })
    },
    preflight: async (storePath, { unfinished }) => {
      const { runHomePreflight } = await import('./preflight.ts')
      return runHomePreflight({
        user,
        storePath: parseStorePath(storePath),
        settings,
        nowMs: Date.now(),
        looking: 'only',
        outsideWindow: null,
        unfinished
      })
    }
  }
}

/** What was seen a moment ago, or is seen in a moment; a home that takes longer is unknown until it answers. */
function glanceAt(user: string, observe: () => Promise<Observed>): () => Promise<Observed> {
  let last = unseen(user, new BelayError('command-timeout', 'it has not answered yet'))
  let seenMs = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | null = null
  const look = async () => {
    last = await observe().catch((error: unknown) => unseen(user, error))
    seenMs = monotonicMs()
    looking = null
  }
  return async () => {
    if (monotonicMs() - seenMs < GLANCE_MS) return last
    looking ??= look()
    const over = Promise.withResolvers<'over'>()
    const timer = setTimeout(() => over.resolve('over'), GLANCE_MS)
    const answer = await Promise.race([looking, over.promise])
    clearTimeout(timer)
    return answer === 'over' ? unseen(user, new BelayError('command-timeout', 'it does not answer')) : last
  }
}
