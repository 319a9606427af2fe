import type { Drift, DriftKind } from '../../shared/api/drift.ts'
import { driftTexts, foreignDrifts } from '../../shared/api/drift.ts'
import type { ProfileName } from '../../shared/api/profile.ts'
import type { ProfileState } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import { partOf } from './parts.ts'
import type { OperationState } from './state.ts'

/** What is observed of a host; that something is apart shows, not yet who has done it. */
export type Observed = Omit<ProfileState, 'drifts'>

/** Store paths that an operation left. */
export interface Left {
  readonly running: string
  readonly profile: string
}

/** Codes of rollbacks before which the activation had changed nothing: somebody else was at it, or a file was in the way. */
export const untouchedCodes = ['locked', 'home-collision'] as const
export type UntouchedCode = (typeof untouchedCodes)[number]

/** Whether a rollback for this reason had nothing to bring back. */
export const isUntouched = (code: string | null | undefined): code is UntouchedCode =>
  (untouchedCodes as readonly (string | null | undefined)[]).includes(code)

/** What an operation left, by its journal; null where it has not ended or has changed nothing. */
export function leftBy({ accepted, phase, code, baseline, retarget }: OperationState): Left | null {
  const { kind, target } = accepted
  const both = (storePath: string) => ({ running: storePath, profile: storePath })
  if (phase === 'committed') return both(target.storePath)
  if (phase !== 'rolled-back' || isUntouched(code)) return null
  if (retarget !== null) return both(retarget.storePath)
  if (kind === 'rollback') return both(target.storePath)
  return baseline && { running: baseline.generation.storePath, profile: baseline.profile.storePath }
}

/**
 * What the newest of a profile's operations left that changed it. Null for a profile that Belay has never changed, while an operation
 * on it has not ended, and while a journal cannot be read: then nobody knows.
 */
export function lastLeft(
  all: readonly OperationState[],
  unreadable: readonly string[],
  profile: ProfileName = 'system'
): Left | null {
  const states = all.flatMap((state) => partOf(state, profile) ?? [])
  if (unreadable.length > 0 || states.some(({ phase }) => !isTerminal(phase))) return null
  return states.map(leftBy).findLast((left) => left !== null) ?? null
}

/** Names what is apart on a host. */
export function driftsOf(seen: Observed, left: Left | null): readonly Drift[] {
  const { storePath: profile, running, booted, bootDefault } = seen
  const drift = (kind: DriftKind, found: string | null, wanted: string | null): Drift[] =>
    found === wanted ? [] : [{ kind, found, wanted }]
  // A reboot brings what the profile names, which an operation may have left beside another running system.
  const wanted = left && running === booted && running === left.profile ? running : (left?.running ?? running)
  return [
    ...(profile === null || running === null ? [] : drift('profile-not-running', running, profile)),
    ...(profile === null || bootDefault === null ? [] : drift('boot-not-profile', bootDefault, profile)),
    ...drift('switched-by-hand', running, wanted),
    ...drift('profile-moved', profile, left?.profile ?? profile)
  ]
}

/** What is observed, with its drifts named. */
export function withDrifts(seen: Observed, left: Left | null): ProfileState {
  // A home that could not be looked at, or that moves with the system, is apart from nothing of Belay.
  const drifts = (seen.home?.kind ?? 'standalone') === 'standalone' ? [...driftsOf(seen, left)] : []
  return { ...seen, drift: seen.drift || drifts.length > 0, drifts }
}

/** Throws `drifted` where somebody else has switched the host or moved its profile. */
export function assertNotDrifted(drifts: readonly Drift[]): void {
  const foreign = drifts.filter(({ kind }) => foreignDrifts.includes(kind))
  const [first] = foreign
  if (first === undefined) return
  const what = foreign.map(({ kind, found }) => `${driftTexts[kind]}, but ${found}`).join('; ')
  throw new BelayError('drifted', `${what}; --over-drift goes over it`, {
    found: Object.fromEntries(foreign.map(({ kind, found }) => [kind, found])),
    wanted: {
      ...Object.fromEntries(foreign.map(({ kind, wanted }) => [kind, wanted])),
      or: 'overDrift: true'
    }
  })
}
