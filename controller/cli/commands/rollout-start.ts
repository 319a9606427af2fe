import { readFile, stat } from 'node:fs/promises'
import pLimit from 'p-limit'
import { RolloutPlan } from '../../../shared/api/rollout.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { buildHost } from '../../build/build.ts'
import { pushPath } from '../../build/push.ts'
import type { DeployEvent } from '../../deploy/events.ts'
import { checked } from '../../inventory/checked.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadFleet } from '../../inventory/load.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { leakGate } from '../../leaks/gate.ts'
import { identityOf, planRollout, samePlan } from '../../plan/planner.ts'
import { realAgents } from '../../rollout/agents.ts'
import type { Decision } from '../../rollout/decide.ts'
import { drive } from '../../rollout/drive.ts'
import { createEngine } from '../../rollout/engine.ts'
import { gateRunner } from '../../rollout/gates.ts'
import { verdictSource } from '../../rollout/verdicts.ts'
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
  const id = admit(plan, options, wiring, store)
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

/** A plan from a file. Its identity says whether it was changed since it was made. */
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
  const plan = checked(RolloutPlan, value, file)
  const { id, ...rest } = plan
  if (identityOf(rest) === id) return plan
  throw new BelayError(
    'invalid-rollout',
    `${file} was changed after it was made: its identity does not match`,
    {
      found: id,
      wanted: identityOf(rest),
      at: file
    }
  )
}

/** The rollout to drive: a new one, or the one under way when it is the same. */
function admit(plan: RolloutPlan, options: StartOptions, { clock }: Wiring, store: Store): string {
  const active = store.active()
  if (active !== null && samePlan(store.plan(active), plan)) return active
  if (store.rollouts().some(({ id }) => id === plan.id)) {
    throw new BelayError('rollout-ended', `rollout ${plan.id} has ended; make a new plan`, { found: plan.id })
  }
  const at = new Date(clock.now()).toISOString()
  store.create(plan, { at, who: operatorName(), why: options.reason ?? null }, options.supersede === true)
  return plan.id
}

async function driveRollout(
  id: string,
  options: DriveOptions,
  wiring: Wiring,
  store: Store,
  watch: RolloutWatch
): Promise<Decision> {
  const { run, signal, clock, openTunnel } = wiring
  const { fleet, secrets } = await loadInventory(options.fleet, wiring)
  const leaks = leakGate(wiring.scan, secrets, signal)
  const onLine: OnLine = (host, line) =>
    watch.event({ type: 'output', at: new Date(clock.now()).toISOString(), host, line })
  const plan = store.plan(id)
  const agents = realAgents({
    verdictOn: verdictSource({
      plan,
      fleetFile: fleet.file,
      openTunnel,
      now: clock.now,
      note: (host, message) =>
        watch.event({ type: 'note', at: new Date(clock.now()).toISOString(), host, message })
    }),
    hosts: new Map(fleet.hosts.map((host) => [host.name, host])),
    openTunnel,
    clock,
    emit: watch.event,
    push: async (host, storePath) => {
      if (options.push) await pushPath(host, storePath, { run, signal, onLine, leaks })
    }
  })
  const pollMs = options.poll * 1000
  const engine = createEngine(id, {
    store,
    agents,
    lookAtGate: gateRunner(run),
    holds: holdsOf(options.fleet),
    clock,
    signal,
    who: `engine for ${operatorName()}`,
    pollMs,
    maxObserve: 32
  })
  watch.begin(plan)
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

/** The holds as the fleet file has them now; read again when it changes. */
function holdsOf(file: string): () => Promise<ReadonlyMap<string, string>> {
  let read = { at: -1, holds: new Map<string, string>() as ReadonlyMap<string, string> }
  return async () => {
    const at = (await stat(file).catch(() => null))?.mtimeMs ?? 0
    if (at === read.at) return read.holds
    const { hosts } = await loadFleet(file)
    const holds = hosts.flatMap(({ name, hold }) => (hold === null ? [] : [[name, hold] as const]))
    read = { at, holds: new Map(holds) }
    return read.holds
  }
}
