import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { GenerationRef } from '../../../shared/api/schemas.ts'
import { mustRun } from '../../../shared/command.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { monotonicMs } from '../../clock.ts'
import type { Settings } from '../../config/settings.ts'
import { releaseReserve } from '../../journal/durable-write.ts'
import type { Journal } from '../../journal/journal.ts'
import { awaitAnswer, heard, until } from '../../operation/control.ts'
import type { Accepted, Baseline, Event } from '../../operation/events.ts'
import { markKnownGood, readKnownGood } from '../../operation/known-good.ts'
import type { Ports } from '../../operation/ports.ts'
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

const activationUnit = `${ACTIVATION_UNIT}.service`

/** Where this host keeps what is observed. */
export function placesOf(settings: Settings): Places {
  return { profile: settings.profile, run: '/run', boot: settings.bootDirectory }
}

/** The effects of an operation on a NixOS host. */
export function nixosPorts(options: NixosOptions): Ports {
  const { id, directory, settings, journal, bootId } = options
  const { gcRootsDirectory: roots } = settings
  const places = placesOf(settings)

  const { start, finish, carryOut } = activation({
    id,
    directory,
    limitSeconds: settings.limits.activationSeconds
  })

  /** The last countdown that this process has seen running. */
  let armed: number | null = null

  return {
    journal,
    bootId,
    activationSeconds: settings.limits.activationSeconds + settings.limits.agentSeconds,
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
    },
    guardFired: () => guardFired(directory),
    startActivation: (storePath) => start(storePath, 'test'),
    activationOutcome: finish,
    regression: (baseline, storePath, outcome) =>
      regressionOf({ settings, places, baseline, storePath, outcome }),
    cancelRequested: async () => (await heard(directory, 'cancel')) !== null,
    awaitAnswer: (nonce, deadline) => awaitAnswer(directory, nonce, () => deadline - monotonicMs()),

    commit: (storePath) => commit({ storePath, settings, places, carryOut }),
    restore: (target, profile) => restore({ target, profile, settings, places, carryOut }),

    settle: () => settle(options, places),

    backOff: async (attempt) => {
      const end = monotonicMs() + Math.min(300_000, 2000 * 2 ** Math.min(attempt, 10))
      await until(
        directory,
        () => end - monotonicMs(),
        async () => ((await heard(directory, 'retry')) ? true : null)
      )
      await rm(join(directory, 'retry.json'), { force: true })
    }
  }
}

/** The end is durable. What fails from here on must not keep this runner's name from the next operation. */
async function settle(options: NixosOptions, places: Places): Promise<void> {
  const { id, directory, settings, journal, warn } = options
  const roots = settings.gcRootsDirectory
  const committed = journal.records.some((r) => r.event.type === 'moved' && r.event.to === 'committed')
  const baseline = journal.records.find((r) => r.event.type === 'baseline')?.event as Baseline | undefined
  const attempts = [
    () => releaseReserve(directory),
    () => keepKnownGood(settings, places, baseline?.generation ?? null, committed),
    () => removeRoot(roots, 'baseline'),
    () => removeRoot(roots, 'candidate'),
    () => disarmGuard(id)
  ]
  for (const attempt of attempts)
    await attempt().catch((error: unknown) => warn(`left undone: ${describeError(error)}`))
}

/** Marks the baseline, and after a commit what runs, as known good, and roots where a rollback would go. */
async function keepKnownGood(
  { stateDirectory, gcRootsDirectory }: Settings,
  places: Places,
  baseline: GenerationRef | null,
  committed: boolean
): Promise<void> {
  const seen = await observe(places)
  const now = committed && seen.storePath !== null ? [{ number: seen.number, storePath: seen.storePath }] : []
  await markKnownGood(stateDirectory, [...now, ...(baseline === null ? [] : [baseline])])
  const next = (await readKnownGood(stateDirectory)).find(({ storePath }) => storePath !== seen.running)
  if (next) await addRoot(gcRootsDirectory, 'last-known-good', next.storePath)
}

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
  if (await isRunning(activationUnit)) {
    throw new BelayError('operation-running', 'somebody else is switching this host', {
      found: activationUnit
    })
  }
  await assertComplete(seen.running).catch((cause: unknown) => {
    const text = 'the running system is damaged; nothing could be rolled back to'
    throw new BelayError('baseline-broken', text, {
      cause,
      found: seen.running,
      wanted: 'a complete closure'
    })
  })
  await addRoot(settings.gcRootsDirectory, 'baseline', seen.running)
  const number = seen.running === seen.storePath ? seen.number : null
  return {
    type: 'baseline',
    generation: { number, storePath: seen.running },
    profile: { number: seen.number, storePath: seen.storePath },
    failedUnits: await failedUnits()
  }
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
}): Promise<void> {
  const { target, profile, settings, places, carryOut } = what
  await stopUnit(activationUnit, 60_000)
  await carryOut(target.storePath, 'test')
  const before = await observe(places)
  if (before.storePath !== profile.storePath) await restoreProfile(settings.profile, profile)
  const bootMoved =
    before.bootDefault === null
      ? before.storePath !== profile.storePath
      : before.bootDefault !== profile.storePath
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
