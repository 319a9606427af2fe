import type { ProfileName } from '../../shared/api/profile.ts'
import { homeOf } from '../../shared/api/profile.ts'
import { BelayError } from '../../shared/errors.ts'
import type { FleetHost } from './fleet.ts'
import { didYouMean } from './suggest.ts'

/** A profile of a host, and what is built for it. */
export interface Target {
  /** `cinnabar` for its system, `alice@cinnabar` for a home. */
  readonly name: string
  readonly host: FleetHost
  readonly profile: ProfileName
  /** Flake and attribute, as `nix build` takes it. */
  readonly installable: string
}

/** What moves as one operation: a system with the homes that go with it, or one home. */
export interface Job {
  readonly target: Target
  readonly homes: readonly (Target & { readonly user: string })[]
}

/** Which homes are meant. */
export interface HomeChoice {
  /** These homes alone, and no system. */
  readonly home?: readonly string[]
  /** False: systems alone. */
  readonly homes?: boolean
}

/** The system of a host. */
export const systemTarget = (host: FleetHost): Target => ({
  ...{ name: host.name, host, profile: 'system' },
  installable: host.installable
})

/** The homes of a host. */
export const homeTargets = (host: FleetHost): readonly (Target & { readonly user: string })[] =>
  host.homes.map(({ user, installable }) => ({
    ...{ name: `${user}@${host.name}`, host, user, profile: homeOf(user), installable }
  }))

/** What is to move: every system with its homes, or, where homes are named, these alone. Throws `invalid-request`. */
export function jobsOf(hosts: readonly FleetHost[], { home, homes = true }: HomeChoice): readonly Job[] {
  if (home === undefined)
    return hosts.map((host) => ({ target: systemTarget(host), homes: joined(host, homes) }))
  const known = [...new Set(hosts.flatMap((host) => host.homes.map(({ user }) => user)))]
  const unknown = home.find((user) => !known.includes(user))
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, known) || `. They have ${known.join(', ') || 'none'}`
    const text = `no home of ${JSON.stringify(unknown)} on the selected hosts${hint}`
    throw new BelayError('invalid-request', text, { found: unknown, wanted: known, at: '--home' })
  }
  const named = hosts.flatMap((host) => homeTargets(host).filter(({ user }) => home.includes(user)))
  return named.map((target) => ({ target, homes: [] }))
}

const joined = (host: FleetHost, wanted: boolean) =>
  homeTargets(host).filter(
    ({ user }) => wanted && host.homes.some((each) => each.user === user && each.withSystem)
  )

/** Each target of the jobs, for what is done to one after the other. */
export const targetsOf = (jobs: readonly Job[]): readonly Target[] =>
  jobs.flatMap(({ target, homes }) => [target, ...homes])
