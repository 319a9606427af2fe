import { driftTexts } from '../../../shared/api/drift.ts'
import type { HomeState } from '../../../shared/api/home.ts'
import type { ProfileState } from '../../../shared/api/schemas.ts'
import { clean } from '../../../shared/clean.ts'
import { short } from './short.ts'

/** Each home in a few lines. */
export function homes(profiles: readonly ProfileState[]): readonly string[] {
  return profiles.flatMap((profile) => (profile.home === undefined ? [] : homeLines(profile, profile.home)))
}

function homeLines({ profile, number, running, drifts }: ProfileState, home: HomeState): readonly string[] {
  const { kind, problem, userManager, failedUnits, hold } = home
  const where = kind === 'standalone' ? `${number ?? '-'}  ${short(running)}` : kind
  const session = kind === 'unknown' || userManager ? '' : ', not logged in'
  const notes = [
    ...(problem === null ? [] : [clean(problem)]),
    ...(failedUnits.length === 0 ? [] : [`failed: ${failedUnits.slice(0, 5).map(clean).join(', ')}`]),
    ...(hold === null ? [] : [`ON HOLD: ${clean(hold.reason)} (belay-agent release --profile ${profile})`]),
    ...drifts.map(
      ({ kind, found, wanted }) => `${driftTexts[kind]} (${kind}: ${short(found)}, wanted ${short(wanted)})`
    )
  ]
  return [`  ${clean(profile)}  ${where}${session}`, ...notes.map((note) => `    ${note}`)]
}
