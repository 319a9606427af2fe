import { randomBytes } from 'node:crypto'
import { releaseReserve } from '../../../shared/durable-write.ts'
import { describeError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { monotonicMs } from '../../clock.ts'
import type { Settings } from '../../config/settings.ts'
import { lookSeconds, votesNow } from '../../health/votes.ts'
import { awaitAnswer, awaitRetry, heard } from '../../operation/control.ts'
import type { Accepted, Baseline, Outcome } from '../../operation/events.ts'
import type { Ports, Untouched } from '../../operation/ports.ts'
import { foldOperation } from '../../operation/state.ts'
import { keepRescueScript } from '../../rescue/keep.ts'
import { assertPlan } from '../../security/assert-plan.ts'
import { useApprovals } from '../../security/require-approval.ts'
import { keepMarks } from '../nix/keep-marks.ts'
import { addRoot, assertComplete, removeRoot } from '../nix/profile.ts'
import { recordBaseline } from '../nix/record-baseline.ts'
import type { PortsOptions } from '../platform.ts'
import { activation } from './activation.ts'
import { chooseMode } from './activation-mode.ts'
import { commit, restore } from './choice.ts'
import { armGuard, disarmGuard, guardFired, writeGuard } from './guard.ts'
import { networkProgram } from './network-unit.ts'
import type { Places } from './observe.ts'
import { observe } from './observe.ts'
import { nixosChecks } from './preflight.ts'
import { rebootNeed } from './reboot-need.ts'
import { regressionOf } from './regression.ts'
import { nixosWay } from './rescue.ts'
import { failedUnits } from './systemd.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'
import { trialBoot } from './trial-boot.ts'

/** Where this host keeps what is observed. */
export function placesOf(settings: Settings): Places {
  return { profile: settings.profile, run: '/run', boot: settings.bootDirectory }
}

/** What the checks that vote ask of this host: also of an operation on a home, which may break something of it. */
export const votingHost = ({ id, bootId, settings }: PortsOptions) => ({
  bootId,
  network: networkProgram(settings, id),
  observe: () => observe(placesOf(settings))
})

/** The effects of an operation on a NixOS host. */
export function nixosPorts(options: PortsOptions): Ports {
  const { id, directory, settings, journal, bootId, warn } = options
  const { gcRootsDirectory: roots } = settings
  const places = placesOf(settings)
  const host = votingHost(options)

  const { start, finish, carryOut } = activation({
    id,
    directory,
    limitSeconds: settings.limits.activationSeconds
  })

  const cancelRequested = async () => (await heard(directory, 'cancel')) !== null
  const whatRuns = { settings, places, carryOut, journal }
  const trial = trialBoot({ directory, settings, bootId, installBoot: (it) => carryOut(it, 'boot') })
  /** The last countdown that this process has seen running. */
  let armed: number | null = null

  return {
    journal,
    bootId,
    activationUnit: `${ACTIVATION_UNIT}.service`,
    untouched: async (outcome) => lockTaken(outcome),
    activationSeconds: settings.limits.activationSeconds + lookSeconds(settings),
    verifySeconds: lookSeconds(settings),
    bootSeconds: settings.limits.bootSeconds,
    monotonicMs,
    wallAt: (inMs) => new Date(Date.now() + inMs).toISOString(),
    newNonce: () => randomBytes(32).toString('base64url'),
    runningPath: async () => (await observe(places)).running,

    fetch: async (storePath) => {
      await assertComplete(parseStorePath(storePath))
      await addRoot(roots, 'candidate', storePath)
    },
    check: async (accepted) => approved(await check(accepted, options), accepted, options),

    arm: async (baseline, seconds, serial) => {
      if (armed === serial) return
      if (await trial.isStaged()) await trial.arm(seconds, serial)
      else {
        const write = () => writeGuard({ directory, settings, baseline })
        await armGuard({ id, directory, seconds, serial, write })
      }
      armed = serial
      await keepRescueScript(settings, nixosWay(), new Date().toISOString()).catch((error: unknown) =>
        warn(`no rescue script: ${describeError(error)}`)
      )
    },
    guardFired: () => guardFired(directory),
    startActivation: (storePath) => start(storePath, 'test'),
    activationOutcome: () => finish(cancelRequested),
    regression: (baseline, storePath, outcome) =>
      regressionOf({ settings, host, baseline, storePath, outcome }),
    cancelRequested,
    awaitAnswer: (nonce, deadline) => awaitAnswer(directory, nonce, () => deadline - monotonicMs()),

    commit: (storePath) => commit({ ...whatRuns, storePath }),
    restore: (target, profile, activate) => restore({ ...whatRuns, target, profile, activate }),
    ...trial.ports,

    settle: () => settle(options, places, trial.settle),

    backOff: (attempt) => awaitRetry(directory, attempt)
  }
}

/** The script's lock was taken: exit code 11, before anything is changed. */
const lockTaken = ({ code, status }: Outcome): Untouched | null =>
  code === 'exited' && status === '11' ? { reason: 'somebody else switches this host', code: 'locked' } : null

/** The end is durable. What fails from here on must not keep this runner's name from the next operation. */
async function settle(
  options: PortsOptions,
  places: Places,
  settleTrial: () => Promise<void>
): Promise<void> {
  const { id, directory, settings, journal, warn } = options
  const roots = settings.gcRootsDirectory
  const attempts = [
    () => releaseReserve(directory),
    async () => keepMarks(foldOperation(journal.records), settings, await observe(places)),
    () => removeRoot(roots, 'baseline'),
    () => removeRoot(roots, 'baseline-profile'),
    () => removeRoot(roots, 'candidate'),
    settleTrial,
    () => disarmGuard(id),
    () => keepRescueScript(settings, nixosWay(), new Date().toISOString())
  ]
  for (const attempt of attempts)
    await attempt().catch((error: unknown) => warn(`left undone: ${describeError(error)}`))
}

/** Preflight: refuses, or records the host as it is and roots it. */
async function check(accepted: Accepted, options: PortsOptions): Promise<Baseline> {
  const { settings } = options
  const host = votingHost(options)
  const seen = await host.observe()
  const wanted = accepted.mode ?? 'switch'
  const { running, recorded } = await recordBaseline(accepted, {
    settings,
    seen,
    checks: nixosChecks,
    mode: wanted
  })
  const reboot = await rebootNeed(running, accepted.target.storePath, seen.booted)
  return {
    ...recorded,
    failedUnits: await failedUnits(),
    mode: await chooseMode(wanted, reboot, accepted.target.storePath),
    reboot,
    checks: await votesNow(settings, host)
  }
}

/** The plan that was read, then the approvals, used up last: what is refused for another reason costs none. */
async function approved(baseline: Baseline, accepted: Accepted, options: PortsOptions): Promise<Baseline> {
  await assertPlan(accepted, options.preview)
  await useApprovals(accepted, { ...options, nowMs: () => Date.now() })
  return baseline
}
