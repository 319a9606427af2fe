import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProfileName } from '../../shared/api/profile.ts'
import { codeOf } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { Settings } from '../config/settings.ts'
import { readKnownGood } from '../operation/known-good.ts'
import { operationsRoot } from '../operation/operations.ts'
import { partOf } from '../operation/parts.ts'
import type { OperationState } from '../operation/state.ts'
import { listOperations, readOperation } from '../operation/store.ts'
import { ignoreMissing, readGenerations } from '../platform/nix/generations.ts'
import type { Candidate, Evidence } from './plan.ts'
import type { Shelf } from './shelf.ts'

/** How many known-good generations stay: those that an emergency rollback would go to, one after the other. */
export const KNOWN_GOOD = 2

/** What a retention needs to know; the operations that have not ended as well. */
export interface Gathered extends Evidence {
  readonly open: readonly OperationState[]
}

/** Reads it from the host. Throws where a journal or the marks cannot be read: nobody knows what is needed then. */
export async function gather(settings: Settings, { observe }: Pick<Shelf, 'observe'>): Promise<Gathered> {
  const [seen, generations, open, good] = await Promise.all([
    observe(settings),
    readCandidates(settings.profile),
    unfinishedOperations(settings, 'system'),
    readKnownGood(settings.stateDirectory)
  ])
  const knownGood = good.map(({ storePath }) => storePath).filter((path) => path !== seen.running)
  return {
    seen,
    generations,
    open,
    knownGood: knownGood.slice(0, KNOWN_GOOD),
    unfinished: open.flatMap(({ accepted, baseline, retarget }) =>
      [accepted.target, baseline?.generation, baseline?.profile, retarget].flatMap(
        (ref) => ref?.storePath ?? []
      )
    )
  }
}

/** The generations of a profile with the systems of each. */
export async function readCandidates(profile: string): Promise<readonly Candidate[]> {
  const links = await readGenerations(profile)
  return Promise.all(
    links.map(async (link) => ({
      ...link,
      systems: [link.storePath, ...(await specialisations(link.storePath))]
    }))
  )
}

/** Store paths of the specialisations of a system. */
export async function specialisations(toplevel: string): Promise<readonly string[]> {
  const directory = join(toplevel, 'specialisation')
  const names = await readdir(directory).catch(ignoreMissing<string[]>([]))
  const paths = await Promise.all(
    names.map((name) => realpath(join(directory, name)).catch(ignoreMissing(null)))
  )
  return paths.filter((path) => path !== null)
}

/** Operations on a profile that have not ended. Of others nothing is deleted: no user keeps the system from its retention. */
export async function unfinishedOperations(
  settings: Settings,
  profile: ProfileName
): Promise<readonly OperationState[]> {
  const root = operationsRoot(settings)
  const read = async (id: string) =>
    readOperation(root, id).catch((error: unknown) => {
      // A directory without a journal was never admitted.
      if (codeOf(error) === 'operation-unknown') return null
      throw error
    })
  const states = await Promise.all((await listOperations(root)).map(read))
  return states.flatMap((state) =>
    state === null || isTerminal(state.phase) || partOf(state, profile) === null ? [] : [state]
  )
}
