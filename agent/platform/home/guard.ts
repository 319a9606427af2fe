import { join } from 'node:path'
import { homeOf } from '../../../shared/api/profile.ts'
import { durableWrite } from '../../../shared/durable-write.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Baseline } from '../../operation/events.ts'
import { quoted } from '../../rescue/quote.ts'
import { writeScript } from '../nixos/guard.ts'
import { runnerUnit } from '../nixos/units.ts'
import type { HomeOrder } from './activation.ts'
import { actionOf, homeCommand } from './activation.ts'
import { asUser, homeUnit } from './as-user.ts'
import { hasVersion } from './candidate.ts'
import { believeIn, profileBack } from './profile.ts'
import type { HomeSeen } from './seen.ts'

/**
 * Writes what the guard of a home needs into the operation's directory: all but the countdown. The way back is whole
 * command lines, each as the user; root reads nothing of a home to go it.
 */
export async function writeHomeGuard(
  directory: string,
  order: HomeOrder,
  baseline: Baseline,
  candidate: string,
  seen: HomeSeen
): Promise<void> {
  const { user } = order
  const script = ['#!/bin/sh', ...(await homeBack(order, baseline, candidate, seen)), ''].join('\n')
  await writeScript(directory)
  await durableWrite(join(directory, 'units'), `${runnerUnit(homeOf(user))} ${homeUnit(user)}\n`)
  await durableWrite(join(directory, 'back.sh'), script, 0o700)
}

/** The way back of a home in shell lines: whole command lines, each as the user. Throws `home-unknown`. */
export async function homeBack(
  order: HomeOrder,
  baseline: Baseline,
  candidate: string,
  seen: HomeSeen
): Promise<readonly string[]> {
  const { user, manager } = order
  const { profile } = seen
  if (profile === null) throw new BelayError('home-unknown', `${user} has no profile of home-manager`)
  const action = await actionOf(baseline.generation.storePath, true)
  const asTheUser = (argv: readonly string[]) =>
    quoted([...asUser(user, manager, PROFILE_SECONDS), '--wait', '--', ...argv])
  return [
    // What the candidate alone has linked goes, too.
    asTheUser(believeIn(candidate, seen, hasVersion(action))),
    `${quoted(homeCommand(order, action, null))} || exit`,
    profileBack(profile, baseline.profile).map(asTheUser).join(' || ')
  ]
}

/** Moving a profile waits for a garbage collection that runs. */
const PROFILE_SECONDS = 120
