import pLimit from 'p-limit'
import type { PlannedHome, RolloutPlan } from '../../../shared/api/rollout.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { buildHost } from '../../build/build.ts'
import { pushPath } from '../../build/push.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { Job, Target } from '../../inventory/targets.ts'
import { jobsOf, targetsOf } from '../../inventory/targets.ts'
import type { LeakGate } from '../../leaks/gate.ts'
import { leakGate } from '../../leaks/gate.ts'
import type { HostPlanned } from '../../plan/planner.ts'
import { planRollout } from '../../plan/planner.ts'
import type { Store } from '../../store/store.ts'
import { openStore } from '../../store/store.ts'
import { hostClient } from '../../transport/host-client.ts'
import { checkPaths } from '../paths.ts'
import type { Server, ServerOptions } from '../server.ts'
import { findServer } from '../server.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { OnLine } from './build.ts'

/** Options of `belay rollout plan`. */
export interface PlanOptions extends GlobalOptions, ServerOptions {
  readonly host?: readonly string[]
  readonly path?: ReadonlyMap<string, string>
  /** False: systems alone. */
  readonly homes?: boolean
  readonly build: boolean
  readonly push: boolean
  /** Ask each host for its plan, and have it refuse another. */
  readonly preview: boolean
}

/** Milliseconds for a host to make the plan of a large closure. */
const PLAN_TIMEOUT = 120_000

/** Builds where no path is given, and makes the plan. */
export async function plan(options: PlanOptions, wiring: Wiring, onLine: OnLine): Promise<RolloutPlan> {
  const server = await findServer(options)
  if (server !== null) return await makePlan(options, wiring, await newestOf(server), onLine)
  using store = await openStore(options.state)
  return await makePlan(options, wiring, newestIn(store), onLine)
}

/** Revision of the newest rollout. */
export const newestIn = (store: Store): number => store.rollouts()[0]?.revision ?? 0

/** The same, as the daemon has it. */
export async function newestOf(server: Server): Promise<number> {
  const { rollouts } = await server.call<{ rollouts: { revision: number }[] }>(
    'observe',
    'GET',
    '/v1/rollouts'
  )
  return rollouts[0]?.revision ?? 0
}

/** The plan of a rollout, with what each host that can be reached says it would do. */
export async function makePlan(
  options: PlanOptions,
  wiring: Wiring,
  newest: number,
  onLine: OnLine
): Promise<RolloutPlan> {
  const { fleet, policy, secrets } = await loadInventory(options.fleet, wiring)
  const hosts = selectHosts(fleet, options.host ?? [])
  const jobs = jobsOf(hosts, { homes: options.homes ?? true })
  const targets = targetsOf(jobs)
  const storePaths = await buildMissing(targets, checkPaths(targets, options), wiring, onLine)
  const leaks = leakGate(wiring.scan, secrets, wiring.signal)
  const ask = { push: options.push, leaks }
  const plans = options.preview ? await askHosts(targets, storePaths, ask, wiring, onLine) : undefined
  const now = wiring.clock.now()
  const homes = homesOfJobs(jobs, storePaths, plans)
  const request = { hosts, policy, storePaths, homes, revision: nextRevision(newest, now), now }
  return planRollout({ ...request, ...(plans === undefined ? {} : { plans }) })
}

/** The homes that move with the system of each host, with what the host says that each would do. */
function homesOfJobs(
  jobs: readonly Job[],
  storePaths: ReadonlyMap<string, string>,
  plans: ReadonlyMap<string, HostPlanned> | undefined
): ReadonlyMap<string, readonly PlannedHome[]> {
  const planned = ({ name, user }: Job['homes'][number]): PlannedHome => {
    const said = plans?.get(name)
    const planHash = said !== undefined && 'hash' in said ? said.hash : null
    return { user, storePath: storePaths.get(name) ?? '', planHash }
  }
  return new Map(jobs.map(({ target, homes }) => [target.name, homes.map(planned)]))
}

/** Seconds since 1970, so that it grows also when the store is lost. */
export function nextRevision(newest: number, now: number): number {
  return Math.max(newest + 1, Math.floor(now / 1000))
}

async function buildMissing(
  targets: readonly Target[],
  given: ReadonlyMap<string, string>,
  { run, clock, signal }: Wiring,
  onLine: OnLine
): Promise<ReadonlyMap<string, string>> {
  const limit = pLimit(4)
  const missing = targets.filter(({ name }) => !given.has(name))
  const built = await limit.map(missing, (target) =>
    buildHost(target, { run, signal, now: clock.now, onLine }).catch((error: unknown) => {
      signal.throwIfAborted()
      return { host: target.name, error }
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

/** Asks every host for the plan of its generation, which is copied there first; a problem is a part of the answer. */
async function askHosts(
  targets: readonly Target[],
  storePaths: ReadonlyMap<string, string>,
  { push, leaks }: Pick<PlanOptions, 'push'> & { readonly leaks: LeakGate },
  { run, signal, openTunnel }: Wiring,
  onLine: OnLine
): Promise<ReadonlyMap<string, HostPlanned>> {
  const limit = pLimit(8)
  const asked = await limit.map(targets, async (target): Promise<readonly [string, HostPlanned]> => {
    const { name, host, profile } = target
    const storePath = storePaths.get(name) ?? ''
    try {
      // Looked at first: a host that is away costs no copying.
      await using tunnel = await openTunnel(host, signal)
      const client = hostClient(tunnel.socketPath, PLAN_TIMEOUT)
      await client.host()
      if (push) await pushPath(host, storePath, { run, signal, onLine, leaks })
      return [name, { hash: (await client.preview({ storePath }, profile)).hash }]
    } catch (error) {
      signal.throwIfAborted()
      return [name, { problem: describeError(error).slice(0, 300) }]
    }
  })
  return new Map(asked)
}
