import type { ProfileName } from '../../shared/api/profile.ts'
import { homeOf } from '../../shared/api/profile.ts'
import type { OperationRequest } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Accepted, Baseline } from './events.ts'
import type { OperationState } from './state.ts'

/** A home that moves with the system. */
export type HomeTarget = NonNullable<Accepted['homes']>[number]

/** One profile of a request. */
export interface RequestPart {
  readonly profile: ProfileName
  readonly storePath: string
}

/** The profiles of a request: its own, and the homes that move with the system. Throws for what cannot move together. */
export function partsOfRequest(request: OperationRequest): readonly RequestPart[] {
  const { profile = 'system', storePath, homes = [], mode = 'switch' } = request
  const invalid = (text: string, found: unknown, wanted: string) =>
    new BelayError('invalid-request', text, { found, wanted, at: 'homes' })
  if (homes.length > 0 && profile !== 'system')
    throw invalid('homes move with the system, not with a home', profile, 'profile: system')
  const users = homes.map(({ user }) => user)
  const twice = users.find((user, i) => users.indexOf(user) !== i)
  if (twice !== undefined) throw invalid(`the home of ${twice} stands twice`, twice, 'each user once')
  if (homes.length > 0 && mode !== 'switch') {
    const text = 'a home is not booted: move system and homes apart'
    throw new BelayError('trial-boot-unavailable', text, { found: mode, wanted: 'switch', at: 'mode' })
  }
  return [
    { profile, storePath },
    ...homes.map((home) => ({ profile: homeOf(home.user), storePath: home.storePath }))
  ]
}

/** Every profile that an operation moves. */
export const profilesOfOperation = ({
  profile,
  homes = []
}: Pick<Accepted, 'profile' | 'homes'>): readonly ProfileName[] => [
  profile,
  ...homes.map(({ user }) => homeOf(user))
]

/** An operation as it reads for one of the profiles that it moves; null where it does not move that one. */
export function partOf(state: OperationState, profile: ProfileName): OperationState | null {
  const { accepted, baseline } = state
  if (accepted.profile === profile) return state
  const home = accepted.homes?.find(({ user }) => homeOf(user) === profile)
  if (home === undefined) return null
  return {
    ...state,
    accepted: acceptedOfHome(accepted, home),
    baseline: (baseline && baselineOfHome(baseline, home.user)) ?? null,
    retarget: null
  }
}

/** What was admitted, as it reads for one of its homes. */
export function acceptedOfHome(
  { homes: _, planHash: __, ...accepted }: Accepted,
  home: HomeTarget
): Accepted {
  const { user, storePath, planHash } = home
  return {
    ...accepted,
    profile: homeOf(user),
    target: { number: null, storePath },
    ...(planHash === undefined ? {} : { planHash })
  }
}

/** What a home was before the operation that moved it with the system. */
export const baselineOfHome = ({ homes = {} }: Baseline, user: string): Baseline | undefined => homes[user]
