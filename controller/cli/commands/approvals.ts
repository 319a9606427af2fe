import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { Value } from 'typebox/value'
import type { Approval } from '../../../shared/api/approval.ts'
import { Plan, planHash } from '../../../shared/api/plan.ts'
import { homeOf } from '../../../shared/api/profile.ts'
import type { ActivationMode } from '../../../shared/api/schemas.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import type { Approved, ToSign } from '../../approval/approve.ts'
import { approve as carryOut } from '../../approval/approve.ts'
import { chooseKey } from '../../approval/key.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { hostClient } from '../../transport/host-client.ts'
import { writeReport } from '../report-file.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Options of `belay approve`. */
export interface ApproveOptions extends GlobalOptions {
  /** The hash that was read, or a file with the plan (`--json`). */
  readonly plan: string
  readonly path: string
  /** The home of this user, not the system. */
  readonly home?: string
  readonly mode?: ActivationMode
  readonly autoConfirm?: boolean
  readonly revision?: number
  readonly expires: number
  readonly key?: string
  readonly out?: string
}

/** Signs that a plan is approved, and hands it in, or writes it to a file. */
export async function approve(
  name: string,
  options: ApproveOptions,
  wiring: Wiring,
  show: (what: ToSign) => void
): Promise<Approved> {
  const host = await hostOf(name, options, wiring)
  const storePath = parseStorePath(options.path)
  const profile = options.home === undefined ? 'system' : homeOf(options.home)
  const { hash, plan } = await readPlan(
    options.plan,
    options.home === undefined ? name : `${options.home}@${name}`
  )
  const key = await chooseKey(options.key ?? null, homedir(), wiring.run)
  const { openTunnel, run, signal, clock } = wiring
  const approved = await carryOut(
    {
      ...{ host, profile, storePath, planHash: hash, plan, key, revision: options.revision ?? null },
      mode: options.mode ?? 'switch',
      confirm: options.autoConfirm ? 'health' : 'connection',
      lifetimeSeconds: options.expires,
      handIn: options.out === undefined
    },
    { openTunnel, run, signal, nowMs: clock.now(), id: randomBytes(16).toString('hex'), show }
  )
  if (options.out !== undefined) await writeReport(options.out, approved.document, { mode: 0o600 })
  return approved
}

/** The approvals that a host holds. */
export async function approvals(
  name: string,
  options: GlobalOptions,
  wiring: Wiring
): Promise<readonly Approval[]> {
  await using tunnel = await wiring.openTunnel(await hostOf(name, options, wiring), wiring.signal)
  return (await hostClient(tunnel.socketPath).approvals()).approvals
}

/** Takes an approval back that is not used yet. */
export async function revoke(
  name: string,
  id: string,
  options: GlobalOptions & { readonly reason: string },
  wiring: Wiring
): Promise<Approval> {
  await using tunnel = await wiring.openTunnel(await hostOf(name, options, wiring), wiring.signal)
  return await hostClient(tunnel.socketPath).revokeApproval(id, options.reason)
}

async function hostOf(name: string, { fleet }: GlobalOptions, wiring: Wiring): Promise<FleetHost> {
  const [host] = selectHosts((await loadInventory(fleet, wiring)).fleet, [name])
  if (host === undefined) throw new BelayError('invalid-request', `no host ${name}`, { found: name })
  return host
}

const HASH = /^[0-9a-f]{64}$/

/** A plan as `belay-agent --json preview` and, for several hosts, `belay plan --json` print it. */
async function readPlan(
  given: string,
  host: string
): Promise<{ readonly hash: string; readonly plan: Plan | null }> {
  if (HASH.test(given)) return { hash: given, plan: null }
  try {
    const read = JSON.parse(await readFile(given, 'utf8')) as { hosts?: { host: string; plan?: unknown }[] }
    const plan = read.hosts === undefined ? read : read.hosts.find((each) => each.host === host)?.plan
    if (!Value.Check(Plan, plan)) throw new Error(`it has no plan of ${host}`)
    return { hash: planHash(plan), plan }
  } catch (cause) {
    const wanted = 'the hash of the plan, or a file with the plan as JSON'
    const detail = { cause, found: given.slice(0, 200), wanted, at: '--plan' }
    const why = describeError(cause).slice(0, 300)
    throw new BelayError('invalid-request', `--plan: ${why}; wanted ${wanted}`, detail)
  }
}
