import { readFile } from 'node:fs/promises'
import pLimit from 'p-limit'
import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { buildHost } from '../../build/build.ts'
import type { DeployEvent } from '../../deploy/events.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { planRollout } from '../../plan/planner.ts'
import { admit, checkPlan } from '../../rollout/admit.ts'
import { rolloutEngine } from '../../rollout/assemble.ts'
import type { Decision } from '../../rollout/decide.ts'
import { drive } from '../../rollout/drive.ts'
import { lockEngine } from '../../store/open.ts'
import type { Store } from '../../store/store.ts'
import { openStore } from '../../store/store.ts'
import { checkPaths } from '../paths.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { OnLine } from './build.ts'
import { operatorName } from './who.ts'

/** Options of `belay rollout plan`. */
export interface PlanOptions extends GlobalOptions {
  readonly host?: readonly string[]
  readonly path?: ReadonlyMap<string, string>
  readonly build: boolean
  readonly state: string
}

/** Options of `belay rollout drive`. */
export interface DriveOptions extends GlobalOptions {
  readonly state: string
  readonly push: boolean
  /** Seconds. */
  readonly wait: number
  /** Seconds. */
  readonly poll: number
}

/** Options of `belay rollout start`. */
export interface StartOptions extends PlanOptions, DriveOptions {
  readonly plan?: string
  readonly supersede?: boolean
  readonly reason?: string
}

/** Shows a rollout while it is driven. */
export interface RolloutWatch {
  readonly begin: (plan: RolloutPlan) => void
  readonly event: (event: DeployEvent) => void
  readonly round: (decision: Decision) => void
}

/** Builds where no path is given, and makes the plan. */
export async function plan(options: PlanOptions, wiring: Wiring, onLine: OnLine): Promise<RolloutPlan> {
  using store = await openStore(options.state)
  return await makePlan(options, wiring, store, onLine)
}

/** Starts a rollout, or goes on with the same, and drives it. */
export async function start(
  options: StartOptions,
  wiring: Wiring,
  watch: RolloutWatch,
  onLine: OnLine
): Promise<Decision> {
  using _ = await lockEngine(options.state)
  using store = await openStore(options.state)
  const plan =
    options.plan === undefined ? await makePlan(options, wiring, store, onLine) : await readPlan(options.plan)
  const at = new Date(wiring.clock.now()).toISOString()
  const author = { at, who: operatorName(), why: options.reason ?? null }
  const id = admit(plan, author, options.supersede === true, store)
  return await driveRollout(id, options, wiring, store, watch)
}

/** Goes on with the rollout under way. */
export async function driveOn(options: DriveOptions, wiring: Wiring, watch: RolloutWatch): Promise<Decision> {
  using _ = await lockEngine(options.state)
  using store = await openStore(options.state)
  const id = store.active()
  if (id === null) throw new BelayError('rollout-unknown', 'no rollout is under way', { at: options.state })
  return await driveRollout(id, options, wiring, store, watch)
}

async function makePlan(
  options: PlanOptions,
  wiring: Wiring,
  store: Store,
  onLine: OnLine
): Promise<RolloutPlan> {
  const { fleet, policy } = await loadInventory(options.fleet, wiring)
  const hosts = selectHosts(fleet, options.host ?? [])
  const given = checkPaths(hosts, options)
  const storePaths = await buildMissing(hosts, given, wiring, onLine)
  const now = wiring.clock.now()
  // Seconds since 1970 grow also when the store is lost.
  const revision = Math.max((store.rollouts()[0]?.revision ?? 0) + 1, Math.floor(now / 1000))
  return planRollout({ hosts, policy, storePaths, revision, now })
}

async function buildMissing(
  hosts: readonly FleetHost[],
  given: ReadonlyMap<string, string>,
  { run, clock, signal }: Wiring,
  onLine: OnLine
): Promise<ReadonlyMap<string, string>> {
  const limit = pLimit(4)
  const missing = hosts.filter(({ name }) => !given.has(name))
  const built = await limit.map(missing, (host) =>
    buildHost(host, { run, signal, now: clock.now, onLine }).catch((error: unknown) => {
      signal.throwIfAborted()
      return { host: host.name, error }
    })
  )
  const failed = built.flatMap((each) =>
    'error' in each ? [`${each.host}: ${describeError(each.error)}`] : []
  )
  if (failed.length > 0)
    throw new BelayError('build-failed', failed.join('\n'), { found: failed.length, wanted: 0 })
  return new Map([
    ...given,
    ...built.flatMap((each) => ('error' in each ? [] : [[each.host, each.storePath] as const]))
  ])
}

/** A plan from a file. */
async function readPlan(file: string): Promise<RolloutPlan> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new BelayError('invalid-rollout', `${file}: ${cause.message}`, { cause, at: file })
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BelayError('invalid-rollout', `${file} is not JSON`, { cause, at: file })
  }
  return checkPlan(value, file)
}

async function driveRollout(
  id: string,
  options: DriveOptions,
  wiring: Wiring,
  store: Store,
  watch: RolloutWatch
): Promise<Decision> {
  const { run, signal, clock, openTunnel } = wiring
  const { fleet } = await loadInventory(options.fleet, wiring)
  const pollMs = options.poll * 1000
  const engine = rolloutEngine(id, {
    store,
    hosts: new Map(fleet.hosts.map((host) => [host.name, host])),
    fleetFile: fleet.file,
    run,
    openTunnel,
    clock,
    signal,
    push: options.push,
    pollMs,
    maxObserve: 32,
    who: `engine for ${operatorName()}`,
    emit: watch.event
  })
  watch.begin(store.plan(id))
  try {
    return await drive({
      engine,
      store,
      clock,
      signal,
      pollMs,
      patienceMs: options.wait * 1000,
      onRound: watch.round
    })
  } finally {
    await engine.settle()
  }
}
