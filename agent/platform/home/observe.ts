import { homeOf } from '../../../shared/api/profile.ts'
import { describeError } from '../../../shared/errors.ts'
import type { Observed } from '../../operation/drift.ts'
import { readHold } from '../../operation/hold.ts'
import { profileDirectory } from '../../operation/profiles.ts'
import type { Integrated } from './integrated.ts'
import { integrationOf } from './integrated.ts'
import { lookAtHome } from './look.ts'
import type { HomeSeen } from './seen.ts'

/** What is chosen and what runs of a home, with what was seen of it. */
export async function observeHome(user: string, stateDirectory: string): Promise<Observed> {
  const [seen, integrated, hold] = await Promise.all([
    lookAtHome(user),
    integrationOf(user),
    readHold(profileDirectory(stateDirectory, homeOf(user)))
  ])
  return { ...observed(user, seen, integrated), home: { ...homeStateOf(user, seen, integrated), hold } }
}

/** The profile of a home that the system activates is the system's: what the user has there counts for nothing. */
export function observed(user: string, seen: HomeSeen, integrated: Integrated | null): Observed {
  const { number, storePath, running } = seen
  const own = integrated === null
  return {
    profile: homeOf(user),
    number: own ? number : null,
    storePath: own ? storePath : null,
    running,
    booted: null,
    bootDefault: null,
    drift: own && storePath !== null && running !== null && storePath !== running
  }
}

function homeStateOf(user: string, { manager, failedUnits }: HomeSeen, integrated: Integrated | null) {
  return {
    user,
    kind: integrated === null ? ('standalone' as const) : ('integrated' as const),
    problem: integrated?.problem ?? null,
    userManager: manager,
    failedUnits: [...failedUnits]
  }
}

/** A home that could not be looked at. */
export function unseen(user: string, error: unknown): Observed {
  return {
    profile: homeOf(user),
    ...{ number: null, storePath: null, running: null, booted: null, bootDefault: null, drift: false },
    home: {
      user,
      kind: 'unknown',
      problem: describeError(error),
      userManager: false,
      failedUnits: [],
      hold: null
    }
  }
}
