import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import type { ProfileName } from '../../../shared/api/profile.ts'
import { homeOf, userOf } from '../../../shared/api/profile.ts'
import type { PlannedHost, RolloutPlan } from '../../../shared/api/rollout.ts'
import type { ActivationMode } from '../../../shared/api/schemas.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import type { ToSign } from '../../approval/approve.ts'
import { approve } from '../../approval/approve.ts'
import { chooseKey } from '../../approval/key.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { chooseRollout } from '../../rollout/report.ts'
import type { Said } from '../../rollout/words.ts'
import { openStore } from '../../store/store.ts'
import { hostClient } from '../../transport/host-client.ts'
import { findServer } from '../server.ts'
import type { Wiring } from '../wiring.ts'
import { remoteReport } from './rollout-remote.ts'
import type { SayOptions } from './rollout-say.ts'
import { say } from './rollout-say.ts'

/** Options of `belay rollout approve`. */
export interface ApproveStageOptions extends SayOptions {
  /** Sign for every host of the stage what its plan says. */
  readonly sign?: boolean
  readonly key?: string
  /** Seconds. */
  readonly expires: number
  readonly host?: readonly string[]
}

/** Milliseconds for a host to make the plan of a large closure. */
const PLAN_TIMEOUT = 120_000

/** What became of one host's approval. */
export interface Signed {
  readonly host: string
  readonly planHash: string | null
  readonly approval: string | null
  readonly problem: string | null
}

/** Lets a stage begin; with `sign` each of its hosts gets a signed approval of the plan that is pinned. */
export async function approveStage(
  stage: string,
  options: ApproveStageOptions,
  wiring: Wiring,
  show: (what: ToSign) => void
): Promise<Said & { readonly signed: readonly Signed[] }> {
  const signed = options.sign ? await signAll(stage, options, wiring, show) : []
  return { ...(await say('approve', stage, options, wiring)), signed }
}

async function signAll(
  stage: string,
  options: ApproveStageOptions,
  wiring: Wiring,
  show: (what: ToSign) => void
): Promise<readonly Signed[]> {
  const { hosts, revision, stages } = await planOf(options)
  const mode = stages.find(({ name }) => name === stage)?.mode ?? 'switch'
  const all = hosts.filter((host) => host.stage === stage)
  const strange = options.host?.find((name) => all.every((host) => host.name !== name))
  if (strange !== undefined) {
    const text = `stage ${stage} has no host ${JSON.stringify(strange)}; nothing was signed or approved`
    throw new BelayError('invalid-request', text, { found: strange, wanted: all.map(({ name }) => name) })
  }
  const members = all.filter(({ name }) => options.host?.includes(name) ?? true)
  const signed: Signed[] = []
  // One after the other: a key may ask for a touch each time.
  for (const host of members) {
    signed.push(await signOne(host, 'system', { revision, mode }, options, wiring, show))
    for (const { user, ...home } of host.homes ?? [])
      signed.push(
        await signOne({ ...host, ...home }, homeOf(user), { revision, mode }, options, wiring, show)
      )
  }
  return signed
}

async function planOf(options: ApproveStageOptions): Promise<RolloutPlan> {
  const server = await findServer(options)
  if (server !== null) return (await remoteReport(server, options.rollout)).plan
  using store = await openStore(options.state)
  return store.plan(chooseRollout(store, options.rollout))
}

async function signOne(
  { name: host, storePath, planHash }: PlannedHost,
  profile: ProfileName,
  { revision, mode }: { readonly revision: number; readonly mode: ActivationMode },
  options: ApproveStageOptions,
  wiring: Wiring,
  show: (what: ToSign) => void
): Promise<Signed> {
  const { openTunnel, run, signal, clock } = wiring
  const user = userOf(profile)
  const name = user === null ? host : `${user}@${host}`
  try {
    const { fleet } = await loadInventory(options.fleet, wiring)
    const found = fleet.hosts.find((each) => each.name === host)
    if (found === undefined) throw new BelayError('invalid-request', `${host} is no longer in the inventory`)
    const key = await chooseKey(options.key ?? null, homedir(), run)
    const manner = { mode, confirm: 'connection' as const }
    const terms = { ...manner, revision, lifetimeSeconds: options.expires, plan: null, handIn: true }
    const { received } = await approve(
      {
        host: found,
        profile,
        storePath,
        planHash: planHash ?? (await hashNow(found, profile, storePath, wiring)),
        key,
        ...terms
      },
      { openTunnel, run, signal, nowMs: clock.now(), id: randomBytes(16).toString('hex'), show }
    )
    return {
      host: name,
      planHash: received?.planHash ?? planHash,
      approval: received?.id ?? null,
      problem: null
    }
  } catch (error) {
    signal.throwIfAborted()
    return { host: name, planHash, approval: null, problem: describeError(error) }
  }
}

/** Where no plan is pinned, the one that the host makes now: it is shown before it is signed. */
async function hashNow(
  host: FleetHost,
  profile: ProfileName,
  storePath: string,
  { openTunnel, signal }: Pick<Wiring, 'openTunnel' | 'signal'>
): Promise<string> {
  await using tunnel = await openTunnel(host, signal)
  return (await hostClient(tunnel.socketPath, PLAN_TIMEOUT).preview({ storePath }, profile)).hash
}
