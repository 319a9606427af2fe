import type { GenerationRef } from '../../../shared/api/schemas.ts'
import { mustRun } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Event } from '../../operation/events.ts'
import { foldOperation } from '../../operation/state.ts'
import { assertOwn, isForeign, ownProfiles } from '../nix/foreign-profile.ts'
import { restoreProfile, setProfile } from '../nix/profile.ts'
import { observe } from './observe.ts'
import { tools } from './tools.ts'

/** Makes the candidate what is chosen, and thereby what a boot brings, durably. */
export async function commit(storePath: string, settings: Settings, journal: Journal<Event>): Promise<void> {
  assertOwn((await observe(settings.profile)).storePath, ownProfiles(journal))
  await setProfile(settings.profile, storePath)
  await mustRun([tools.sync], { timeoutMs: 60_000 })
  const found = (await observe(settings.profile)).storePath
  if (found !== storePath)
    throw new BelayError('command-failed', `the commit did not hold: profile ${found}`, {
      found,
      wanted: storePath
    })
}

/**
 * The system whose files and jobs may be on the host beside those of another, so that the script of that one has to remove
 * them: the candidate, once its script has begun, or what a rollback leaves.
 */
export function leftBehind(journal: Journal<Event>): string | null {
  const { accepted } = foldOperation(journal.records)
  if (accepted.kind === 'rollback') return accepted.from ?? null
  const begun = journal.records.some(({ event }) => event.type === 'activation-started')
  return begun ? accepted.target.storePath : null
}

/**
 * Brings a recorded system back: first the profile, which decides what a boot brings, then what runs, by its whole script
 * also where it seems to run: a boot job puts only a part in place. A profile that somebody else has moved stays.
 */
export async function restore(what: {
  readonly target: GenerationRef
  readonly profile: GenerationRef
  readonly settings: Settings
  readonly carryOut: (toplevel: string, from: string | null) => Promise<void>
  readonly journal: Journal<Event>
}): Promise<void> {
  const { target, profile, settings, carryOut, journal } = what
  const before = await observe(settings.profile)
  const foreign = isForeign(before.storePath, ownProfiles(journal))
  if (!foreign && before.storePath !== profile.storePath) await restoreProfile(settings.profile, profile)
  const left = leftBehind(journal)
  await carryOut(target.storePath, left === target.storePath ? null : left)
  const seen = await observe(settings.profile)
  const wanted = foreign ? before.storePath : profile.storePath
  if (seen.running !== target.storePath || seen.storePath !== wanted) {
    const found = `running ${seen.running}, profile ${seen.storePath}`
    throw new BelayError('command-failed', `the rollback did not hold: ${found}`, {
      found,
      wanted: target.storePath
    })
  }
}
