import { join } from 'node:path'
import type { ProfileName } from '../../shared/api/profile.ts'
import { homeOf, userOf } from '../../shared/api/profile.ts'
import type { ActivationMode } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Host, ProfileHost } from '../platform/platform.ts'
import { readHold } from './hold.ts'

/** Where marks and hold of a profile are kept. */
export function profileDirectory(stateDirectory: string, profile: ProfileName): string {
  const user = userOf(profile)
  return user === null ? stateDirectory : join(stateDirectory, 'homes', user)
}

/** All profiles of a host, the system's first. */
export const profilesOf = ({ homes }: Host): readonly ProfileName[] => [
  'system',
  ...(homes?.users ?? []).map(homeOf)
]

/** What there is to a profile of a host. Throws `home-unknown` for one that is not looked after here. */
export function profileHost(host: Host, profile: ProfileName): ProfileHost {
  const user = userOf(profile)
  if (user === null) return host
  const { homes } = host
  if (homes?.users.includes(user)) return homes.of(user)
  throw new BelayError('home-unknown', `the home of ${user} is not looked after here`, {
    found: user,
    wanted: `one of the setting homes.users: ${homes?.users.join(', ') || 'there is none'}`,
    at: 'profile'
  })
}

/** Throws `held` where a home has been put on hold; the hold of the host is looked at elsewhere, and counts too. */
export async function assertNotHeld(stateDirectory: string, profile: ProfileName): Promise<void> {
  if (profile === 'system') return
  const held = await readHold(profileDirectory(stateDirectory, profile))
  if (held === null) return
  const found = `on hold since ${held.at} by ${held.principal}: ${held.reason}`
  const wanted = `belay-agent release --profile ${profile}`
  throw new BelayError('held', `${profile} is ${found}; ${wanted} lets activations in again`, {
    found,
    wanted
  })
}

/** Throws `trial-boot-unavailable` for a home that is to be booted: nothing of one is. */
export function assertMode(profile: ProfileName, mode: ActivationMode): void {
  if (profile === 'system' || mode !== 'boot') return
  throw new BelayError('trial-boot-unavailable', 'a home is not booted', { found: mode, wanted: 'switch' })
}
