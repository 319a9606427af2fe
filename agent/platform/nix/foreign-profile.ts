import { BelayError } from '../../../shared/errors.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Event } from '../../operation/events.ts'
import { foldOperation } from '../../operation/state.ts'

/** Where the profile may stand by what an operation itself has done. */
export interface OwnProfiles {
  /** Where it was before. */
  readonly baseline: string
  readonly candidate: string
}

/**
 * Where the profile may stand while an operation activates; null for one that goes where a person has said, whatever the
 * profile names.
 */
export function ownProfiles(journal: Journal<Event>): OwnProfiles | null {
  const { accepted, baseline, retarget } = foldOperation(journal.records)
  if (accepted.kind !== 'activate' || baseline === null || retarget !== null) return null
  return { baseline: baseline.profile.storePath, candidate: accepted.target.storePath }
}

/** True when the profile names what neither was there before nor is the candidate: somebody else has moved it. */
export function isForeign(profile: string | null, own: OwnProfiles | null): profile is string {
  return own !== null && profile !== null && profile !== own.baseline && profile !== own.candidate
}

/** Throws `profile-moved` before a commit would overwrite what somebody else has put there. */
export function assertOwn(profile: string | null, own: OwnProfiles | null): void {
  if (!isForeign(profile, own)) return
  throw new BelayError('profile-moved', `somebody else has moved the profile to ${profile}, where it stays`, {
    found: profile,
    wanted: own?.baseline
  })
}
