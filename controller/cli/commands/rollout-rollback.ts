import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import type { Decision } from '../../rollout/decide.ts'
import type { Past } from '../../rollout/take-back.ts'
import { takeBack } from '../../rollout/take-back.ts'
import { lockEngine } from '../../store/open.ts'
import type { RolloutSummary, Store } from '../../store/store.ts'
import { openStore } from '../../store/store.ts'
import type { Server } from '../server.ts'
import type { Wiring } from '../wiring.ts'
import { nextRevision } from './rollout-plan.ts'
import { remoteReport, remoteStart } from './rollout-remote.ts'
import type { DriveOptions, RolloutWatch } from './rollout-start.ts'
import { driveRollout } from './rollout-start.ts'
import { operatorName } from './who.ts'

/** Options of `belay rollout rollback`. */
export interface RollbackOptions extends DriveOptions {
  readonly rollout?: string
  /** Only these; also what an earlier controller has moved. */
  readonly host?: readonly string[]
  readonly reason: string
}

/** Takes a rollout back: a rollout of its own, recorded and driven as every other. The same again goes on with it. */
export async function rollback(
  options: RollbackOptions,
  wiring: Wiring,
  watch: RolloutWatch
): Promise<Decision> {
  using _ = await lockEngine(options.state)
  using store = await openStore(options.state)
  const found = await plannedBack(pastIn(store), options, wiring)
  if (typeof found !== 'string') {
    const at = new Date(wiring.clock.now()).toISOString()
    store.create(found, { at, who: operatorName(), why: options.reason }, true)
  }
  return await driveRollout(typeof found === 'string' ? found : found.id, options, wiring, store, watch)
}

/** The same, driven by the daemon; gives the identity. */
export async function rollbackThrough(
  server: Server,
  options: RollbackOptions,
  wiring: Wiring
): Promise<string> {
  const { rollouts } = await server.call<{ rollouts: RolloutSummary[] }>('observe', 'GET', '/v1/rollouts')
  const past: Past = { rollouts, report: async (id) => remoteReport(server, id) }
  const found = await plannedBack(past, options, wiring)
  if (typeof found === 'string') return found
  return await remoteStart(server, found, { supersede: true, reason: options.reason })
}

function plannedBack(
  past: Past,
  { rollout, host, reason }: RollbackOptions,
  { clock }: Pick<Wiring, 'clock'>
): Promise<RolloutPlan | string> {
  const now = clock.now()
  const revision = nextRevision(past.rollouts[0]?.revision ?? 0, now)
  return takeBack(past, { rollout, hosts: host, reason, revision, now })
}

const pastIn = (store: Store): Past => ({
  rollouts: store.rollouts(),
  report: async (id) => ({ plan: store.plan(id), records: store.records(id) })
})
