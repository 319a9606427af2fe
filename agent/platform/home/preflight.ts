import type { PreflightCheck } from '../../../shared/api/preflight.ts'
import { homeOf } from '../../../shared/api/profile.ts'
import { describeError } from '../../../shared/errors.ts'
import { readHold } from '../../operation/hold.ts'
import { profileDirectory } from '../../operation/profiles.ts'
import { judgeRefusal, refusalFrom } from '../../preflight/candidate.ts'
import type { Finding, Subject } from '../../preflight/check.ts'
import { byStrictness, carryOut, check, fail, pass, unknown } from '../../preflight/check.ts'
import { clock } from '../../preflight/clock.ts'
import { otherActivation } from '../../preflight/other-activation.ts'
import { judgeHold, window } from '../../preflight/people.ts'
import { spaceState, spaceStore } from '../../preflight/space.ts'
import { signatures } from '../../preflight/trust.ts'
import { assertComplete } from '../nix/profile.ts'
import { assertHome } from './candidate.ts'
import type { Integrated } from './integrated.ts'
import { integrationOf } from './integrated.ts'
import { lookAtHome } from './look.ts'
import { observed } from './observe.ts'
import { noHome } from './preview.ts'
import { homeSecrets } from './secrets.ts'
import type { HomeSeen } from './seen.ts'

/** Whose home is looked at, for what. */
export interface HomeSubject extends Omit<Subject, 'seen' | 'mode'> {
  readonly user: string
}

/** Whether a generation could be activated in a home now, every check; with what was seen, for who goes on. */
export async function runHomePreflight(of: HomeSubject, look = lookAtHome): Promise<PreflightCheck[]> {
  const { user, settings } = of
  const seen = await look(user).catch((error: unknown) => describeError(error))
  const integrated = await integrationOf(user).catch((error: unknown) => describeError(error))
  const nothing = { profile: homeOf(user), booted: null, bootDefault: null, drift: false }
  const subject: Subject = {
    ...of,
    mode: 'switch',
    seen:
      typeof seen === 'string'
        ? { ...nothing, number: null, storePath: null, running: null }
        : observed(user, seen, null)
  }
  const holds = [settings.stateDirectory, profileDirectory(settings.stateDirectory, homeOf(user))]
  const checks = [
    check({
      name: 'hold',
      look: async () => (await Promise.all(holds.map(readHold))).find((held) => held !== null) ?? null,
      judge: judgeHold
    }),
    window,
    check({
      name: 'candidate',
      look: ({ storePath }) =>
        refusalFrom(async () => {
          await assertHome(storePath, user)
          await assertComplete(storePath)
        }),
      judge: (refusal) => judgeRefusal(refusal, `complete, and a home of ${user}`)
    }),
    check({ name: 'home', look: async () => seen, judge: (found) => judgeHome(user, found, integrated) }),
    check({
      name: 'user-manager',
      look: async () => seen,
      judge: (found) => judgeManager(user, found, settings.homes.withoutManager)
    }),
    check({
      name: 'baseline',
      look: async ({ seen: { running } }) =>
        running === null ? noHome(user) : refusalFrom(() => assertComplete(running)),
      judge: (refusal) => judgeBaseline(refusal)
    }),
    ...homeSecrets(user),
    ...[signatures, otherActivation, spaceStore, spaceState, clock]
  ]
  return Promise.all(checks.map((each) => carryOut(each, subject)))
}

/** Whether there is a home that Belay may activate. */
export function judgeHome(
  user: string,
  seen: HomeSeen | string,
  integrated: Integrated | string | null
): Finding {
  if (typeof integrated === 'string')
    return fail(
      'home-unknown',
      `nobody knows whether the system activates it: ${integrated}`,
      'see what systemctl says'
    )
  if (integrated !== null) {
    const evidence = `the home of ${user} is a part of the system: ${integrated.unit} activates it`
    return fail('home-integrated', evidence, 'activate the system that has it')
  }
  if (typeof seen === 'string')
    return fail('home-unknown', `the home of ${user} cannot be looked at: ${seen}`, 'see that it is there')
  if (seen.profile === null)
    return fail(
      'home-unknown',
      `there is no folder for profiles in ${seen.home}/.local/state/nix, nor one of ${user} in /nix/var`,
      noHome(user)
    )
  return pass(`standalone, ${seen.profile}`)
}

/** Whether the user's units can be told to work. */
export function judgeManager(user: string, seen: HomeSeen | string, strictness: 'warn' | 'fail'): Finding {
  if (typeof seen === 'string') return unknown(seen)
  if (seen.manager)
    return pass(`the service manager of ${user} runs, ${seen.failedUnits.length} units failed`)
  const evidence = `${user} is not logged in and does not linger: units change at the next login, and are not verified`
  return byStrictness(strictness, 'no-user-manager', evidence, `loginctl enable-linger ${user}`)
}

function judgeBaseline(refusal: Parameters<typeof judgeRefusal>[0]): Finding {
  if (refusal === null) return pass('the home that runs is complete')
  const found = judgeRefusal(refusal, '')
  if (typeof refusal === 'string') return fail('baseline-broken', refusal, 'without it there is no way back')
  return fail(
    'baseline-broken',
    `the home that runs is not whole: ${found.evidence}`,
    'nix-store --repair-path'
  )
}
