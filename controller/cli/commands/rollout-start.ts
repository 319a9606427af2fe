import { readFile } from 'node:fs/promises'
import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { DeployEvent } from '../../deploy/events.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { leakGate } from '../../leaks/gate.ts'
import { admit, checkPlan } from '../../rollout/admit.ts'
import { rolloutEngine } from '../../rollout/assemble.ts'
import type { Decision } from '../../rollout/decide.ts'
import { drive } from '../../rollout/drive.ts'
import { uploader } from '../../secrets/upload.ts'
import { lockEngine } from '../../store/open.ts'
import { keepByDefault } from '../../store/retention.ts'
import type { Store } from '../../store/store.ts'
import { openStore } from '../../store/store.ts'
import type { Server, ServerOptions } from '../server.ts'
import { findServer } from '../server.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { OnLine } from './build.ts'
import type { PlanOptions } from './rollout-plan.ts'
import { makePlan, newestIn, newestOf } from './rollout-plan.ts'
import { remoteStart } from './rollout-remote.ts'
import { operatorName } from './who.ts'

/** Options of `belay rollout drive`. */
export interface DriveOptions extends GlobalOptions, ServerOptions {
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

/** Has the daemon start a rollout; gives its identity. */
export async function startThrough(
  server: Server,
  options: StartOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<string> {
  const plan = await givenPlan(options, wiring, () => newestOf(server), onLine)
  return await remoteStart(server, plan, options)
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
  const plan = await givenPlan(options, wiring, async () => newestIn(store), onLine)
  const at = new Date(wiring.clock.now()).toISOString()
  const author = { at, who: operatorName(), why: options.reason ?? null }
  store.pruneRollouts(keepByDefault, wiring.clock.now())
  const id = admit(plan, author, options.supersede === true, store)
  return await driveRollout(id, options, wiring, store, watch)
}

async function givenPlan(
  options: StartOptions,
  wiring: Wiring,
  newest: () => Promise<number>,
  onLine: OnLine
): Promise<RolloutPlan> {
  if (options.plan !== undefined) return await readPlan(options.plan)
  return await makePlan(options, wiring, await newest(), onLine)
}

/** Goes on with the rollout under way. */
export async function driveOn(options: DriveOptions, wiring: Wiring, watch: RolloutWatch): Promise<Decision> {
  const server = await findServer(options)
  if (server !== null) {
    const text = `belay serve drives rollouts here, see belay rollout status --watch; it is at ${server.at}`
    throw new BelayError('store-locked', text, { found: server.at, wanted: 'one at a time' })
  }
  using _ = await lockEngine(options.state)
  using store = await openStore(options.state)
  const id = store.active()
  if (id === null) throw new BelayError('rollout-unknown', 'no rollout is under way', { at: options.state })
  return await driveRollout(id, options, wiring, store, watch)
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

/** Drives a rollout of the store. The lock is the caller's. */
export async function driveRollout(
  id: string,
  options: DriveOptions,
  wiring: Wiring,
  store: Store,
  watch: RolloutWatch
): Promise<Decision> {
  const { run, signal, clock, openTunnel } = wiring
  const { fleet, flake, secrets, vars, caches } = await loadInventory(options.fleet, wiring)
  const pollMs = options.poll * 1000
  const from = { flake, known: fleet.hosts.map(({ name }) => name) }
  const onLine = (host: string, line: string) =>
    watch.event({ type: 'output', at: new Date(clock.now()).toISOString(), host, line })
  const engine = rolloutEngine(id, {
    store,
    hosts: new Map(fleet.hosts.map((host) => [host.name, host])),
    fleetFile: fleet.file,
    run,
    leaks: leakGate(wiring.scan, secrets, signal),
    caches: () => caches,
    openTunnel,
    clock,
    signal,
    push: options.push,
    upload: uploader(vars, from, { run, signal, onLine }),
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
