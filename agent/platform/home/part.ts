import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { homeOf } from '../../../shared/api/profile.ts'
import { durableFolder, durableWrite } from '../../../shared/durable-write.ts'
import type { Accepted, Baseline, Outcome } from '../../operation/events.ts'
import { journalOfHome } from '../../operation/journal-of-home.ts'
import type { HomeTarget } from '../../operation/parts.ts'
import { acceptedOfHome } from '../../operation/parts.ts'
import type { Ports } from '../../operation/ports.ts'
import { ignoreMissing } from '../nix/generations.ts'
import type { PortsOptions } from '../platform.ts'
import { homeUnit } from './as-user.ts'
import { homeBack } from './guard.ts'
import { assertHomeReady, homePorts, worseInHome } from './home-ports.ts'
import { lookAtHome } from './look.ts'

/** One home of an operation on the system: what is done to it. Every method may be called again after a crash. */
export interface HomePart {
  readonly user: string
  /** Longest that its activation may take, in seconds. */
  readonly limitSeconds: number
  fetch(): Promise<void>
  /** Throws what refuses the operation, and uses no approval up. */
  ready(accepted: Accepted): Promise<void>
  /** Throws what refuses the operation; gives the home as it is. */
  check(accepted: Accepted): Promise<Baseline>
  /** Shell lines with which the guard brings it back. */
  wayBack(baseline: Baseline): Promise<readonly string[]>
  /** Whether its activation has begun. */
  isBegun(): Promise<boolean>
  activate(): Promise<Outcome | null>
  /** How an activation that has begun has failed, in words; null where it has not. */
  failure(): Promise<string | null>
  /** What is worse in the home than before, in words, or null. */
  worse(baseline: Baseline): Promise<string | null>
  commit(): Promise<void>
  restore(baseline: Baseline): Promise<void>
  /** Writes down that it could not be brought back, or that it is back. */
  leave(why: string | null): Promise<void>
  /** Why it could not be brought back, or null. */
  left(): Promise<string | null>
  settle(): Promise<void>
}

/** A home of an operation on the system. What it needs lies in a folder of its own in the operation's directory. */
export function homePart(home: HomeTarget, options: PortsOptions): HomePart {
  const { user, storePath } = home
  const limitSeconds = options.settings.limits.activationSeconds
  const folder = partFolder(join(options.directory, `home-${user}`))
  const of = (atFault: boolean) => ({
    ...options,
    ...{ user, directory: folder.directory, words: options.directory, withSystem: true },
    journal: journalOfHome(options.journal, home, atFault),
    preview: (path: string) => options.preview(path, homeOf(user))
  })
  const ports = homePorts(of(false))
  // Written before the unit is started: what it tells may be one start too many, never one too few.
  const isBegun = () => folder.has('outcome.sh')
  return {
    ...{ user, limitSeconds, isBegun },
    ...judging(home, { ports, folder, isBegun }),
    fetch: () => ports.fetch(storePath),
    ready: async (accepted) => {
      await assertHomeReady(acceptedOfHome(accepted, home), await lookAtHome(user), of(false))
    },
    check: (accepted) => ports.check(acceptedOfHome(accepted, home)),
    wayBack: async (baseline) => {
      const seen = await lookAtHome(user)
      const order = { id: options.id, user, manager: seen.manager ? seen : null, limitSeconds }
      return [`systemctl stop ${homeUnit(user)}`, ...(await homeBack(order, baseline, storePath, seen))]
    },
    activate: async () => {
      await durableFolder(folder.directory)
      if (!(await isBegun())) await ports.startActivation(storePath)
      return ports.activationOutcome()
    },
    commit: () => ports.commit(storePath),
    restore: async ({ generation, profile }) =>
      ports.restore(generation, profile, (await isBegun()) && !(await folder.has('untouched'))),
    leave: async (why) => {
      if (why !== null || (await folder.has('left'))) await folder.write('left', why ?? '')
    },
    left: () => folder.read('left'),
    settle: async () => homePorts(of(await folder.has('fault'))).settle()
  }
}

/** What is wrong with a home, and whose fault that is. */
function judging(
  { user, storePath }: HomeTarget,
  {
    ports,
    folder,
    isBegun
  }: { readonly ports: Ports; readonly folder: PartFolder; readonly isBegun: () => Promise<boolean> }
): Pick<HomePart, 'failure' | 'worse'> {
  return {
    failure: async () => {
      if (!(await isBegun())) return null
      const outcome = await ports.activationOutcome()
      if (isSuccess(outcome)) return null
      const untouched = outcome === null ? null : await ports.untouched(outcome)
      if (untouched !== null) {
        // A file in the way is no fault of the generation, and stays where it is.
        await folder.write('untouched', untouched.code)
        return untouched.reason
      }
      await folder.write('fault', 'activation')
      return outcome === null
        ? 'nobody knows how its activation ended'
        : `its activation failed: ${outcome.result} ${outcome.code} ${outcome.status}`
    },
    worse: async (baseline) => {
      const outcome = await ports.activationOutcome()
      const worse = await worseInHome(baseline, storePath, outcome, () => lookAtHome(user))
      if (worse !== null) await folder.write('fault', 'regression')
      return worse
    }
  }
}

type PartFolder = ReturnType<typeof partFolder>

/** Where what is known of a home lies, durably. */
function partFolder(directory: string) {
  const read = async (name: string) => {
    const text = await readFile(join(directory, name), 'utf8').catch(ignoreMissing(null))
    return text === null || text.trim() === '' ? null : text.trim()
  }
  return {
    directory,
    read,
    has: async (name: string) => (await read(name)) !== null,
    write: async (name: string, text: string) => {
      await durableFolder(directory)
      await durableWrite(join(directory, name), `${text}\n`)
    }
  }
}

/** Whether an activation ended well. */
export const isSuccess = (outcome: Outcome | null): boolean =>
  outcome?.code === 'exited' && outcome.status === '0'
