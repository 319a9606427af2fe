import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { GenerationRef } from '../../../shared/api/schemas.ts'
import { mustRun, runCommand } from '../../../shared/command.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { monotonicMs } from '../../clock.ts'
import type { Settings } from '../../config/settings.ts'
import { votesNow, votesSeconds } from '../../health/votes.ts'
import { releaseReserve } from '../../journal/durable-write.ts'
import type { Journal } from '../../journal/journal.ts'
import { awaitAnswer, heard, until } from '../../operation/control.ts'
import type { Accepted, Baseline, Event } from '../../operation/events.ts'
import { markKnownGood, readKnownGood } from '../../operation/known-good.ts'
import type { Ports } from '../../operation/ports.ts'
import { foldOperation } from '../../operation/state.ts'
import { keepRescueScript } from '../../rescue/keep.ts'
import { addRoot, assertComplete, removeRoot, restoreProfile, setProfile } from '../nix/profile.ts'
import { activation } from './activation.ts'
import { assertCandidate } from './candidate.ts'
import { armGuard, disarmGuard, guardFired } from './guard.ts'
import type { Places } from './observe.ts'
import { observe } from './observe.ts'
import { regressionOf } from './regression.ts'
import { failedUnits, isRunning, stopUnit } from './systemd.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'

/** What the ports of one operation need to know. */
export interface NixosOptions {
  readonly id: string
  readonly directory: string
  readonly settings: Settings
  readonly journal: Journal<Event>
  readonly bootId: string
  /** Tells the service manager's journal. */
  readonly warn: (text: string) => Promise<void>
}

/** Roots of the systems that the next rollbacks would go to. */
const ROOTED = ['last-known-good', 'known-good-before']

const activationUnit = `${ACTIVATION_UNIT}.service`

/** Where this host keeps what is observed. */
export function placesOf(settings: Settings): Places {
  return { profile: settings.profile, run: '/run', boot: settings.bootDirectory }
}

/** The effects of an operation on a NixOS host. */
export function nixosPorts(options: NixosOptions): Ports {
  const { id, directory, settings, journal, bootId, warn } = options
  const { gcRootsDirectory: roots } = settings
  const places = placesOf(settings)

  const { start, finish, carryOut } = activation({
    id,
    directory,
    limitSeconds: settings.limits.activationSeconds
  })

  const cancelRequested = async () => (await heard(directory, 'cancel')) !== null
  /** The last countdown that this process has seen running. */
  let armed: number | null = null

  return {
    journal,
    bootId,
    activationSeconds:
      settings.limits.activationSeconds + settings.limits.agentSeconds + votesSeconds(settings),
    monotonicMs,
    wallAt: (inMs) => new Date(Date.now() + inMs).toISOString(),
    newNonce: () => randomBytes(32).toString('base64url'),
    runningPath: async () => (await observe(places)).running,

    fetch: async (storePath) => {
      await assertComplete(parseStorePath(storePath))
      await addRoot(roots, 'candidate', storePath)
    },
    check: (accepted) => check(accepted, settings),

    arm: async (baseline, seconds, serial) => {
      if (armed === serial) return
      await armGuard({ id, directory, settings, baseline, seconds, serial })
      armed = serial
      await keepRescueScript(settings, new Date().toISOString()).catch((error: unknown) =>
        warn(`no rescue script: ${describeError(error)}`)
      )
    },
    guardFired: () => guardFired(directory),
    startActivation: (storePath) => start(storePath, 'test'),
    activationOutcome: () => finish(cancelRequested),
    regression: (baseline, storePath, outcome) =>
      regressionOf({ settings, places, baseline, storePath, outcome }),
    cancelRequested,
    awaitAnswer: (nonce, deadline) => awaitAnswer(directory, nonce, () => deadline - monotonicMs()),

    commit: (storePath) => commit({ storePath, settings, places, carryOut }),
    restore: (target, profile) =>
      restore({ target, profile, settings, places, carryOut, bootMayHaveMoved: bootMayHaveMoved(journal) }),

    settle: () => settle(options, places),

    backOff: async (attempt) => {
      const end = monotonicMs() + Math.min(300_000, 2000 * 2 ** Math.min(attempt, 10))
      const word = await until(
        directory,
        () => end - monotonicMs(),
        () => heard(directory, 'retry')
      )
      await rm(join(directory, 'retry.json'), { force: true })
      return word?.target ?? null
    }
  }
}

/** The end is durable. What fails from here on must not keep this runner's name from the next operation. */
async function settle(options: NixosOptions, places: Places): Promise<void> {
  const { id, directory, settings, journal, warn } = options
  const roots = settings.gcRootsDirectory
  const committed = journal.records.some((r) => r.event.type === 'moved' && r.event.to === 'committed')
  const attempts = [
    () => releaseReserve(directory),
    () => keepKnownGood(options, places, committed),
    () => removeRoot(roots, 'baseline'),
    () => removeRoot(roots, 'baseline-profile'),
    () => removeRoot(roots, 'candidate'),
    () => disarmGuard(id),
    () => keepRescueScript(settings, new Date().toISOString())
  ]
  for (const attempt of attempts)
    await attempt().catch((error: unknown) => warn(`left undone: ${describeError(error)}`))
}

/**
 * Marks the baseline, and after a commit what runs, as known good, drops what an emergency rollback has left, and roots
 * where the next two rollbacks would go.
 */
async function keepKnownGood(options: NixosOptions, places: Places, committed: boolean): Promise<void> {
  const { stateDirectory, gcRootsDirectory } = options.settings
  const { accepted, baseline } = foldOperation(options.journal.records)
  const seen = await observe(places)
  const now = committed && seen.storePath !== null ? [{ number: seen.number, storePath: seen.storePath }] : []
  const before = baseline === null ? [] : [baseline.generation]
  const left = accepted.from === seen.running ? null : (accepted.from ?? null)
  await markKnownGood(stateDirectory, [...now, ...before], left)
  const known = await readKnownGood(stateDirectory)
  const next = known.filter(({ storePath }) => storePath !== seen.running).slice(0, ROOTED.length)
  for (const [i, name] of ROOTED.entries()) {
    const generation = next[i]
    if (generation) await addRoot(gcRootsDirectory, name, generation.storePath)
    else await removeRoot(gcRootsDirectory, name)
  }
}

/** Whether the boot loader may name another system than before the operation, where it cannot be read. */
const bootMayHaveMoved = (journal: Journal<Event>) =>
  journal.records.some(
    ({ event }) =>
      (event.type === 'moved' && event.to === 'committing') ||
      (event.type === 'accepted' && event.kind === 'rollback')
  )

/** Preflight: refuses, or records the host as it is and roots it. */
async function check(accepted: Accepted, settings: Settings): Promise<Baseline> {
  const seen = await observe(placesOf(settings))
  if (seen.running === null || seen.storePath === null) {
    const found = `running ${seen.running}, profile ${seen.storePath}`
    throw new BelayError('path-not-valid', 'there is no baseline to come back to', {
      found,
      wanted: 'a system that runs'
    })
  }
  await assertCandidate(accepted.target.storePath, { hostName: settings.hostName, running: seen.running })
  const found = (await isRunning(activationUnit)) ? activationUnit : await holderOfLock()
  if (found !== null)
    throw new BelayError('operation-running', 'somebody else is switching this host', { found })
  await assertComplete(seen.running).catch((cause: unknown) => {
    const text = 'the running system is damaged; nothing could be rolled back to'
    throw new BelayError('baseline-broken', text, {
      cause,
      found: seen.running,
      wanted: 'a complete closure'
    })
  })
  await addRoot(settings.gcRootsDirectory, 'baseline', seen.running)
  await addRoot(settings.gcRootsDirectory, 'baseline-profile', seen.storePath)
  const number = seen.running === seen.storePath ? seen.number : null
  return {
    type: 'baseline',
    generation: { number, storePath: seen.running },
    profile: { number: seen.number, storePath: seen.storePath },
    failedUnits: await failedUnits(),
    checks: await votesNow(settings, () => observe(placesOf(settings)))
  }
}

/** The lock that switch-to-configuration takes, where somebody holds it. */
async function holderOfLock(): Promise<string | null> {
  const lock = '/run/nixos/switch-to-configuration.lock'
  const { code } = await runCommand(['flock', '--nonblock', '--no-fork', '-E', '11', lock, 'true'], {
    timeoutMs: 10_000
  })
  return code === 11 ? lock : null
}

/** Makes the candidate what is chosen and what boots, durably, and looks whether it is. */
async function commit(what: {
  readonly storePath: string
  readonly settings: Settings
  readonly places: Places
  readonly carryOut: (toplevel: string, action: 'boot') => Promise<void>
}): Promise<void> {
  const { storePath, settings, places, carryOut } = what
  await setProfile(settings.profile, storePath)
  await carryOut(storePath, 'boot')
  await mustRun(['sync', '-f', settings.profile, settings.bootDirectory], { timeoutMs: 60_000 })
  const seen = await observe(places)
  if (seen.storePath !== storePath || (seen.bootDefault ?? storePath) !== storePath) {
    const found = `profile ${seen.storePath}, next boot ${seen.bootDefault}`
    throw new BelayError('command-failed', `the commit did not hold: ${found}`, { found, wanted: storePath })
  }
}

/** Brings a recorded system back: what runs first, then the profile, then what boots. */
async function restore(what: {
  readonly target: GenerationRef
  readonly profile: GenerationRef
  readonly settings: Settings
  readonly places: Places
  readonly carryOut: (toplevel: string, action: 'test' | 'boot') => Promise<void>
  readonly bootMayHaveMoved: boolean
}): Promise<void> {
  const { target, profile, settings, places, carryOut } = what
  await stopUnit(activationUnit, 60_000)
  await carryOut(target.storePath, 'test')
  const before = await observe(places)
  if (before.storePath !== profile.storePath) await restoreProfile(settings.profile, profile)
  const bootMoved =
    before.bootDefault === null ? what.bootMayHaveMoved : before.bootDefault !== profile.storePath
  if (bootMoved) await carryOut(profile.storePath, 'boot')
  const seen = await observe(places)
  if (seen.running !== target.storePath || seen.storePath !== profile.storePath) {
    const found = `running ${seen.running}, profile ${seen.storePath}`
    throw new BelayError('command-failed', `the rollback did not hold: ${found}`, {
      found,
      wanted: target.storePath
    })
  }
}
