import type { GenerationRef } from '../../../shared/api/schemas.ts'
import { mustRun } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Event } from '../../operation/events.ts'
import { assertOwn, isForeign, ownProfiles } from '../nix/foreign-profile.ts'
import { restoreProfile, setProfile } from '../nix/profile.ts'
import type { Places } from './observe.ts'
import { observe } from './observe.ts'
import { stopUnit } from './systemd.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'

/** Whether the boot loader may name another system than before the operation, where it cannot be read. */
const bootMayHaveMoved = (journal: Journal<Event>) =>
  journal.records.some(
    ({ event }) =>
      (event.type === 'moved' && event.to === 'committing') ||
      (event.type === 'accepted' && event.kind === 'rollback')
  )

/** Makes the candidate what is chosen and what boots, durably, and looks whether it is. */
export async function commit(what: {
  readonly storePath: string
  readonly settings: Settings
  readonly places: Places
  readonly carryOut: (toplevel: string, action: 'boot') => Promise<void>
  readonly journal: Journal<Event>
}): Promise<void> {
  const { storePath, settings, places, carryOut } = what
  assertOwn((await observe(places)).storePath, ownProfiles(what.journal))
  await setProfile(settings.profile, storePath)
  await carryOut(storePath, 'boot')
  await mustRun(['sync', '-f', settings.profile, settings.bootDirectory], { timeoutMs: 60_000 })
  const seen = await observe(places)
  if (seen.storePath !== storePath || (seen.bootDefault ?? storePath) !== storePath) {
    const found = `profile ${seen.storePath}, next boot ${seen.bootDefault}`
    throw new BelayError('command-failed', `the commit did not hold: ${found}`, { found, wanted: storePath })
  }
}

/**
 * Brings a recorded system back: what runs first, then the profile, then what boots. Where somebody else has moved the
 * profile meanwhile, it stays, and what boots is put back only where it is the candidate.
 */
export async function restore(what: {
  readonly target: GenerationRef
  readonly profile: GenerationRef
  /** Without it what runs stays as it is. */
  readonly activate: boolean
  readonly settings: Settings
  readonly places: Places
  readonly carryOut: (toplevel: string, action: 'test' | 'boot', unchecked: true) => Promise<void>
  readonly journal: Journal<Event>
}): Promise<void> {
  const { target, profile, activate, settings, places, carryOut } = what
  if (activate) {
    await stopUnit(`${ACTIVATION_UNIT}.service`, 60_000)
    await carryOut(target.storePath, 'test', true)
  }
  const before = await observe(places)
  const own = ownProfiles(what.journal)
  const foreign = isForeign(before.storePath, own)
  if (!foreign && before.storePath !== profile.storePath) await restoreProfile(settings.profile, profile)
  const bootMoved =
    before.bootDefault === null
      ? bootMayHaveMoved(what.journal)
      : foreign
        ? before.bootDefault === own?.candidate
        : before.bootDefault !== profile.storePath
  if (bootMoved) await carryOut(profile.storePath, 'boot', true)
  const seen = await observe(places)
  const wanted = foreign ? before.storePath : profile.storePath
  if ((activate && seen.running !== target.storePath) || seen.storePath !== wanted) {
    const found = `running ${seen.running}, profile ${seen.storePath}`
    throw new BelayError('command-failed', `the rollback did not hold: ${found}`, {
      found,
      wanted: target.storePath
    })
  }
}
