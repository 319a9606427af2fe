import { randomBytes } from 'node:crypto'
import type { PreflightCheck } from '../../../shared/api/preflight.ts'
import { releaseReserve } from '../../../shared/durable-write.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { monotonicMs } from '../../clock.ts'
import { votesAgainst, votesNow, votesSeconds } from '../../health/votes.ts'
import { awaitAnswer, awaitRetry, heard } from '../../operation/control.ts'
import type { Accepted, Baseline, Outcome } from '../../operation/events.ts'
import type { Ports, Untouched } from '../../operation/ports.ts'
import { foldOperation } from '../../operation/state.ts'
import { refusalOf } from '../../preflight/run.ts'
import { assertPlan } from '../../security/assert-plan.ts'
import { useApprovals } from '../../security/require-approval.ts'
import { addRoot, assertComplete, removeRoot } from '../nix/profile.ts'
import { armGuard, disarmGuard, guardFired } from '../nixos/guard.ts'
import { votingHost } from '../nixos/nixos-ports.ts'
import type { PortsOptions } from '../platform.ts'
import { actionOf, homeActivation, outputOf } from './activation.ts'
import type { Manager } from './as-user.ts'
import { homeUnit } from './as-user.ts'
import { commitHome, restoreHome } from './choice.ts'
import { collisionsIn, describeCollisions } from './collisions.ts'
import { writeHomeGuard } from './guard.ts'
import { keepHomeMarks, rootOf } from './keep-marks.ts'
import { lookAtHome } from './look.ts'
import { runHomePreflight } from './preflight.ts'
import type { HomeSeen } from './seen.ts'

/** What the ports of one operation on a home need to know. */
export interface HomeOptions extends PortsOptions {
  readonly user: string
  /** Where the words to the operation lie, where that is not its directory. */
  readonly words?: string
  /** A part of an operation on the system, which has the host's checks vote. */
  readonly withSystem?: boolean
}

/** The effects of an operation on a home. What they do to it they do as its user. */
export function homePorts(options: HomeOptions): Ports {
  const { id, user, directory, settings, journal, bootId } = options
  const limitSeconds = settings.limits.activationSeconds
  const words = options.words ?? directory
  const cancelRequested = async () => (await heard(words, 'cancel')) !== null
  /** As it was at the last look: with it the user's units are reached. */
  let manager: Manager = null
  const look = async (): Promise<HomeSeen> => {
    const seen = await lookAtHome(user)
    manager = seen.manager ? seen : null
    return seen
  }
  const { start, finish, carryOut } = homeActivation(directory, { id, user, limitSeconds }, () => manager)
  const what = { user, look, carryOut, journal }
  const voting = votingHost(options)
  let armed: number | null = null

  return {
    journal,
    bootId,
    activationUnit: homeUnit(user),
    activationSeconds: limitSeconds + votesSeconds(settings),
    verifySeconds: votesSeconds(settings),
    bootSeconds: settings.limits.bootSeconds,
    monotonicMs,
    wallAt: (inMs) => new Date(Date.now() + inMs).toISOString(),
    newNonce: () => randomBytes(32).toString('base64url'),
    // A home that does not answer is known to run nothing: what is done about it is in the steps.
    runningPath: async () => (await look().catch(() => null))?.running ?? null,
    fetch: async (storePath) => {
      await assertComplete(parseStorePath(storePath))
      await addRoot(settings.gcRootsDirectory, rootOf(user, 'candidate'), storePath)
    },
    check: (accepted) => checkHome(accepted, look, options),
    arm: async (baseline, seconds, serial) => {
      if (armed === serial) return
      const write = async () => {
        const seen = await look()
        const { accepted } = foldOperation(journal.records)
        const order = { id, user, manager, limitSeconds }
        await writeHomeGuard(directory, order, baseline, accepted.target.storePath, seen)
      }
      await armGuard({ id, directory, seconds, serial, write })
      armed = serial
    },
    guardFired: () => guardFired(directory),
    startActivation: async (storePath) => {
      await look()
      await start(await actionOf(storePath, false))
    },
    activationOutcome: () => finish(cancelRequested),
    untouched: async (outcome) => collided(outcome, await look(), options),
    regression: async (baseline, storePath, outcome) =>
      (await worseInHome(baseline, storePath, outcome, look)) ??
      votesAgainst(settings, baseline.checks ?? {}, voting),
    cancelRequested,
    awaitAnswer: (nonce, deadline) => awaitAnswer(directory, nonce, () => deadline - monotonicMs()),
    commit: (storePath) => commitHome(what, storePath),
    restore: (target, profile, activate) => restoreHome(what, target, profile, activate),
    ...notBooted,
    settle: () => settle(options, look),
    backOff: (attempt) => awaitRetry(directory, attempt)
  }
}

/** Nothing of a home is booted. */
const notBooted: Pick<Ports, 'stage' | 'unstage' | 'mayReboot' | 'reboot' | 'bootFinished'> = {
  stage: async () => {
    throw new BelayError('trial-boot-unavailable', 'a home is not booted', {
      found: 'boot',
      wanted: 'switch'
    })
  },
  unstage: async () => {},
  mayReboot: async () => false,
  reboot: async () => {},
  bootFinished: async () => {}
}

/** Preflight: refuses, or records the home as it is and roots it. The approvals are used up last. */
async function checkHome(
  accepted: Accepted,
  look: () => Promise<HomeSeen>,
  options: HomeOptions
): Promise<Baseline> {
  const { user, settings } = options
  const seen = await look()
  const checks = await assertHomeReady(accepted, seen, options)
  const { running, storePath, number } = seen
  if (running === null || storePath === null) {
    const found = `running ${running}, profile ${storePath}`
    throw new BelayError('path-not-valid', `the home of ${user} has no baseline to come back to`, {
      found,
      wanted: 'a home that runs, with a profile'
    })
  }
  for (const [name, path] of [['baseline', running] as const, ['baseline-profile', storePath] as const]) {
    await assertComplete(path)
    await addRoot(settings.gcRootsDirectory, rootOf(user, name), path)
  }
  await assertPlan(accepted, options.preview)
  await useApprovals(accepted, { ...options, nowMs: () => Date.now() })
  return {
    type: 'baseline',
    generation: { number: running === storePath ? number : null, storePath: running },
    profile: { number, storePath },
    failedUnits: seen.failedUnits,
    preflight: checks.map(({ name, result, evidence }) => ({ name, result, evidence })),
    mode: 'switch',
    ...(options.withSystem ? {} : { checks: await votesNow(settings, votingHost(options)) })
  }
}

/** Throws what preflight refuses; gives all that it found. */
export async function assertHomeReady(
  accepted: Accepted,
  seen: HomeSeen,
  { user, settings }: Pick<HomeOptions, 'user' | 'settings'>
): Promise<readonly PreflightCheck[]> {
  const checks = await runHomePreflight(
    {
      user,
      settings,
      storePath: accepted.target.storePath,
      nowMs: Date.now(),
      looking: 'before activation',
      outsideWindow: accepted.outsideWindow ? accepted.principal : null,
      unfinished: null
    },
    async () => seen
  )
  const refusal = refusalOf(checks, settings.preflight.mustKnow)
  if (refusal !== null) throw refusal
  return checks
}

/** Files in the way, where home-manager has found any before it changed anything, and nothing has changed. */
async function collided(
  outcome: Outcome,
  { running, storePath }: HomeSeen,
  { id, user, journal }: HomeOptions
): Promise<Untouched | null> {
  const { baseline } = foldOperation(journal.records)
  if (outcome.code !== 'exited' || outcome.status === '0') return null
  if (running !== baseline?.generation.storePath || storePath !== baseline.profile.storePath) return null
  const files = collisionsIn(await outputOf(user, id))
  return files.length === 0 ? null : { reason: describeCollisions(files, user), code: 'home-collision' }
}

/** What is worse in a home than before, in words, or null. */
export async function worseInHome(
  baseline: Baseline,
  storePath: string,
  outcome: Outcome | null,
  look: () => Promise<HomeSeen>
): Promise<string | null> {
  const { failedUnits, running } = await look()
  const broken = failedUnits.filter((unit) => !baseline.failedUnits.includes(unit))
  if (broken.length > 0) return `failed since the activation: ${broken.slice(0, 20).join(', ')}`
  if (outcome === null) return 'the activation failed: its outcome is unknown'
  const { result, code, status } = outcome
  if (result === 'timeout') return 'the activation failed: the script did not end in time'
  if (code !== 'exited' || status !== '0') return `the activation failed: ${result} ${code} ${status}`
  return running === storePath ? null : `the home is ${running}, not the candidate`
}

/** The end is durable. What fails from here on must not keep this runner's name from the next operation. */
async function settle(options: HomeOptions, look: () => Promise<HomeSeen>): Promise<void> {
  const { id, user, directory, settings, journal, warn } = options
  const remove = (name: 'baseline' | 'baseline-profile' | 'candidate') =>
    removeRoot(settings.gcRootsDirectory, rootOf(user, name))
  const attempts = [
    () => releaseReserve(directory),
    async () => keepHomeMarks(foldOperation(journal.records), settings, user, await look()),
    () => remove('baseline'),
    () => remove('baseline-profile'),
    () => remove('candidate'),
    () => disarmGuard(id)
  ]
  for (const attempt of attempts)
    await attempt().catch((error: unknown) => warn(`left undone: ${describeError(error)}`))
}
