import { randomBytes } from 'node:crypto'
import { releaseReserve } from '../../../shared/durable-write.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { monotonicMs } from '../../clock.ts'
import { lookSeconds, votesNow } from '../../health/votes.ts'
import { awaitAnswer, awaitRetry, heard } from '../../operation/control.ts'
import type { Accepted, Baseline } from '../../operation/events.ts'
import type { Ports } from '../../operation/ports.ts'
import { foldOperation } from '../../operation/state.ts'
import { keepRescueScript } from '../../rescue/keep.ts'
import { assertPlan } from '../../security/assert-plan.ts'
import { useApprovals } from '../../security/require-approval.ts'
import { keepMarks } from '../nix/keep-marks.ts'
import { addRoot, assertComplete, removeRoot } from '../nix/profile.ts'
import { recordBaseline } from '../nix/record-baseline.ts'
import type { PortsOptions } from '../platform.ts'
import { activation } from './activation.ts'
import { awaitSession } from './await-session.ts'
import { commit, restore } from './choice.ts'
import { failedJobs } from './failed-jobs.ts'
import { armGuard, disarmGuard, guardFired } from './guard.ts'
import { ACTIVATION_LABEL, AGENT_LABEL, LAUNCH_DAEMONS } from './jobs.ts'
import { kickstart } from './launchctl.ts'
import { macMeasures } from './measures.ts'
import { networkProgram } from './network-job.ts'
import { observe } from './observe.ts'
import { darwinChecks } from './preflight.ts'
import { regressionOf } from './regression.ts'
import { darwinWay } from './rescue.ts'

/** What the checks that vote ask of a Mac. */
const hostOf = ({ settings, bootId }: PortsOptions) => ({
  bootId,
  observe: () => observe(settings.profile),
  network: networkProgram(),
  measures: macMeasures
})

/** The effects of an operation on a Mac. */
export function darwinPorts(options: PortsOptions): Ports {
  const { id, directory, settings, journal, bootId, warn } = options
  const { gcRootsDirectory: roots, limits } = settings
  const host = hostOf(options)
  const { start, finish, carryOut } = activation({ directory, limitSeconds: limits.activationSeconds })
  const cancelRequested = async () => (await heard(directory, 'cancel')) !== null
  const candidate = foldOperation(journal.records).accepted.target.storePath
  /** The last countdown that this process has seen running. */
  let armed: number | null = null

  return {
    journal,
    bootId,
    activationUnit: ACTIVATION_LABEL,
    // What a Mac's script has done by the time it fails, nobody can tell.
    untouched: async () => null,
    activationSeconds: limits.activationSeconds + lookSeconds(settings),
    ...{ verifySeconds: lookSeconds(settings), bootSeconds: limits.bootSeconds },
    monotonicMs,
    wallAt: (inMs) => new Date(Date.now() + inMs).toISOString(),
    newNonce: () => randomBytes(32).toString('base64url'),
    runningPath: async () => (await host.observe()).running,

    fetch: async (storePath) => {
      await assertComplete(parseStorePath(storePath))
      await addRoot(roots, 'candidate', storePath)
    },
    check: async (accepted) => {
      await awaitSession(accepted.target.storePath, options, cancelRequested)
      const baseline = await check(accepted, options)
      await assertPlan(accepted, options.preview)
      // Last: what is refused for another reason uses no approval up.
      await useApprovals(accepted, { ...options, nowMs: () => Date.now() })
      return baseline
    },

    arm: async (baseline, seconds, serial) => {
      if (armed === serial) return
      await armGuard({ id, directory, settings, bootId, baseline, candidate, seconds, serial })
      armed = serial
      await keepRescueScript(settings, darwinWay, new Date().toISOString()).catch((error: unknown) =>
        warn(`no rescue script: ${describeError(error)}`)
      )
    },
    guardFired: () => guardFired(directory),
    startActivation: (storePath) => start(storePath, null),
    activationOutcome: async () => {
      const outcome = await finish(cancelRequested)
      // Its property list names no version, so that no activation stops it: the new one begins now, when all is done.
      if (outcome?.result === 'success') await restartAgent()
      return outcome
    },
    regression: (baseline, storePath, outcome) =>
      regressionOf({ settings, host, directory, baseline, storePath, outcome }),
    cancelRequested,
    awaitAnswer: (nonce, deadline) => awaitAnswer(directory, nonce, () => deadline - monotonicMs()),

    commit: (storePath) => commit(storePath, settings, journal),
    restore: async (target, profile) => {
      await restore({ target, profile, settings, carryOut, journal })
      await restartAgent().catch((error: unknown) => warn(`the agent did not start: ${describeError(error)}`))
    },
    ...noTrialBoot,

    settle: () => settle(options, host.observe),
    backOff: (attempt) => awaitRetry(directory, attempt)
  }
}

const restartAgent = () => kickstart(AGENT_LABEL, `${LAUNCH_DAEMONS}/${AGENT_LABEL}.plist`)

/** A Mac has no boot that could be tried: `check` lets no operation come so far. */
const noTrialBoot: Pick<Ports, 'stage' | 'unstage' | 'mayReboot' | 'reboot' | 'bootFinished'> = {
  stage: async () => {
    throw unavailable()
  },
  unstage: async () => {},
  mayReboot: async () => false,
  reboot: async () => {
    throw unavailable()
  },
  bootFinished: async () => {}
}

function unavailable(): BelayError {
  const text = 'there is no trial boot on macOS: a system is switched to'
  return new BelayError('trial-boot-unavailable', text, {
    found: 'mode boot',
    wanted: 'mode switch',
    at: 'mode'
  })
}

/** Preflight: refuses, or records the host as it is and roots it. */
async function check(accepted: Accepted, options: PortsOptions): Promise<Baseline> {
  const { settings } = options
  if (accepted.mode === 'boot') throw unavailable()
  const host = hostOf(options)
  const seen = await host.observe()
  const { running, recorded } = await recordBaseline(accepted, {
    settings,
    seen,
    checks: darwinChecks,
    mode: 'switch'
  })
  return {
    ...recorded,
    failedUnits: await failedJobs(running),
    mode: 'switch',
    checks: await votesNow(settings, host)
  }
}

/** The end is durable. What fails from here on must not keep this runner's label from the next operation. */
async function settle(
  { id, directory, settings, journal, warn }: PortsOptions,
  seen: () => ReturnType<typeof observe>
): Promise<void> {
  const roots = settings.gcRootsDirectory
  const attempts = [
    () => releaseReserve(directory),
    async () => keepMarks(foldOperation(journal.records), settings, await seen()),
    () => removeRoot(roots, 'baseline'),
    () => removeRoot(roots, 'baseline-profile'),
    () => removeRoot(roots, 'candidate'),
    () => disarmGuard(id),
    () => keepRescueScript(settings, darwinWay, new Date().toISOString())
  ]
  for (const attempt of attempts)
    await attempt().catch((error: unknown) => warn(`left undone: ${describeError(error)}`))
}
