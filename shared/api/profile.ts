import { Type } from 'typebox'

/** A profile that is moved as one: the system's, or the home of a user. */
export type ProfileName = 'system' | `home:${string}`

/** Names of users that Belay takes: no path, no option and no unit's escape can be made of one. */
export const userPattern = '[A-Za-z_][A-Za-z0-9_.-]{0,30}'

const HOME = new RegExp(`^home:(${userPattern})$`)

export const ProfileName = Type.Unsafe<ProfileName>(
  Type.String({
    pattern: `^(?:system|home:${userPattern})$`,
    maxLength: 40,
    description: 'Name of the profile: system, or home:USER'
  })
)

/** The user whose home it is; null for the system. */
export function userOf(profile: ProfileName): string | null {
  return HOME.exec(profile)?.[1] ?? null
}

/** The profile of a user's home. */
export const homeOf = (user: string): ProfileName => `home:${user}`

/** Whether something is of the system; agents of before name no profile, for they know no other. */
export const isOfSystem = ({ profile = 'system' }: { readonly profile?: ProfileName }): boolean =>
  profile === 'system'
