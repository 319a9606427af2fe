import { dirname } from 'node:path'
import type { GenerationRef } from '../../../shared/api/schemas.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { AsUser } from './as-user.ts'
import { runAsUser } from './as-user.ts'
import type { HomeSeen } from './seen.ts'

/** Command lines that point a profile to a path, in a new generation where there is none with the newest number. */
export const profileTo = (profile: string, storePath: string): readonly string[] => [
  ...['nix-env', '--profile', profile, '--set', storePath]
]

/** Ways in which a profile comes back to a recorded generation, the first of which that works is enough. */
export function profileBack(profile: string, { number, storePath }: GenerationRef): readonly string[][] {
  const byNumber = ['nix-env', '--profile', profile, '--switch-generation', `${number}`]
  return [...(number === null ? [] : [byNumber]), [...profileTo(profile, storePath)]]
}

/**
 * Has the script of a generation take another for what was there before, so that it removes the links which only that
 * one has: one of today asks the root of the current home, one without `gen-version` asks the profile.
 */
export const believeIn = (storePath: string, { root, profile }: Places, hasVersion: boolean): string[] =>
  hasVersion || profile === null
    ? ['nix-store', '--realise', storePath, '--add-root', root ?? '']
    : [...profileTo(profile, storePath)]
type Places = Pick<HomeSeen, 'root' | 'profile'>

/** Makes a generation what a profile names, as its user, durably: the links in the home as well. */
export async function setHomeProfile(seen: HomeSeen, storePath: string, how: AsUser): Promise<void> {
  const profile = profileOf(seen)
  if (seen.storePath !== storePath) await runAsUser(profileTo(profile, storePath), how)
  await runAsUser(['sync', '--file-system', dirname(profile), seen.home], how)
}

/** Points a profile back: by its number while that still names the path. */
export async function restoreHomeProfile(seen: HomeSeen, to: GenerationRef, how: AsUser): Promise<void> {
  const profile = profileOf(seen)
  if (seen.storePath === to.storePath && (to.number === null || seen.number === to.number)) return
  const there = seen.generations.some(
    ({ number, storePath }) => number === to.number && storePath === to.storePath
  )
  const [way = []] = profileBack(profile, there ? to : { ...to, number: null })
  await runAsUser(way, how)
}

function profileOf({ profile, home }: HomeSeen): string {
  if (profile !== null) return profile
  const text = `there is no folder for a profile of home-manager in ${home}`
  throw new BelayError('home-unknown', text, { wanted: '~/.local/state/nix/profiles' })
}
