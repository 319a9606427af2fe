import type { GenerationRef } from '../../../shared/api/schemas.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Event } from '../../operation/events.ts'
import { foldOperation } from '../../operation/state.ts'
import { assertOwn, isForeign, ownProfiles } from '../nix/foreign-profile.ts'
import { stopUnit } from '../nixos/systemd.ts'
import type { HomeAction } from './activation.ts'
import { actionOf } from './activation.ts'
import { homeUnit, runAsUser } from './as-user.ts'
import { hasVersion } from './candidate.ts'
import { believeIn, restoreHomeProfile, setHomeProfile } from './profile.ts'
import type { HomeSeen } from './seen.ts'

/** A home, and what moves it. */
export interface MovedHome {
  readonly user: string
  readonly look: () => Promise<HomeSeen>
  readonly carryOut: (action: HomeAction) => Promise<void>
  readonly journal: Journal<Event>
}

/** Moving a profile waits for a garbage collection that runs. */
const LIMIT = 120

/** Makes the candidate what the profile names, durably, and looks whether it is. Its own script may have done it. */
export async function commitHome({ user, look, journal }: MovedHome, storePath: string): Promise<void> {
  const before = await look()
  assertOwn(before.storePath, ownProfiles(journal))
  assertHeld('commit', before.running, storePath, `running ${before.running}`)
  await setHomeProfile(before, storePath, { user, manager: null, limitSeconds: LIMIT })
  const seen = await look()
  assertHeld('commit', seen.storePath, storePath, `profile ${seen.storePath}`)
  assertHeld('commit', seen.running, storePath, `running ${seen.running}`)
}

/**
 * Brings a recorded home back: its files and units first, then the profile, which an old generation's script moves by
 * itself. Where somebody else has moved the profile meanwhile, it stays.
 */
export async function restoreHome(
  { user, look, carryOut, journal }: MovedHome,
  target: GenerationRef,
  profile: GenerationRef,
  activate: boolean
): Promise<void> {
  const how = { user, manager: null, limitSeconds: LIMIT }
  const found = await look()
  const foreign = isForeign(found.storePath, ownProfiles(journal))
  if (activate) {
    await stopUnit(homeUnit(user), 60_000)
    const action = await actionOf(target.storePath, true)
    const begun = begunCandidate(journal)
    // Cut off in its middle, the candidate has linked files that nobody has written down.
    if (begun !== null) await runAsUser(believeIn(begun, found, hasVersion(action)), how)
    await carryOut(action)
  }
  const wanted = foreign ? { number: found.number, storePath: found.storePath ?? '' } : profile
  await restoreHomeProfile(await look(), wanted, how)
  const seen = await look()
  if (activate) assertHeld('rollback', seen.running, target.storePath, `running ${seen.running}`)
  assertHeld('rollback', seen.storePath, wanted.storePath, `profile ${seen.storePath}`)
}

/** The candidate, where its activation has begun. */
function begunCandidate(journal: Journal<Event>): string | null {
  const { accepted, activation } = foldOperation(journal.records)
  return accepted.kind === 'activate' && activation.started ? accepted.target.storePath : null
}

function assertHeld(what: string, is: string | null, wanted: string, found: string): void {
  if (is !== wanted)
    throw new BelayError('command-failed', `the ${what} did not hold: ${found}`, { found, wanted })
}
