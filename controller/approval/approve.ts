import type { Approval } from '../../shared/api/approval.ts'
import type { Plan } from '../../shared/api/plan.ts'
import type { ProfileName } from '../../shared/api/profile.ts'
import type { Statement } from '../../shared/approval.ts'
import { approvalTime, formatApproval, formatStatement, parseApproval } from '../../shared/approval.ts'
import { clean } from '../../shared/clean.ts'
import { BelayError } from '../../shared/errors.ts'
import { planDifference } from '../../shared/plan-difference.ts'
import type { Run } from '../build/run.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { hostClient } from '../transport/host-client.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import type { SigningKey } from './key.ts'
import { withKey } from './sign.ts'

/** What is to be approved. */
export interface ApproveRequest {
  readonly host: FleetHost
  readonly profile: ProfileName
  readonly storePath: string
  readonly planHash: string
  /** The whole plan that was read, where it is at hand: then it can be said what has changed since. */
  readonly plan: Plan | null
  /** How it comes to run, and what commits it. */
  readonly mode: Statement['mode']
  readonly confirm: Statement['confirm']
  readonly revision: number | null
  readonly lifetimeSeconds: number
  readonly key: SigningKey
  /** False: the approval is given back signed, and not handed in. */
  readonly handIn: boolean
}

/** What approving needs from outside. */
export interface ApprovePorts {
  readonly openTunnel: OpenTunnel
  readonly run: Run
  readonly signal: AbortSignal
  readonly nowMs: number
  /** 128 random bits in hexadecimal. */
  readonly id: string
  /** Shows a person what is about to be signed. */
  readonly show: (what: ToSign) => void
}

/** What is about to be signed, the key, and the plan behind the hash. */
export interface ToSign {
  readonly statement: Statement
  readonly text: string
  readonly fingerprint: string
  readonly plan: Plan
}

/** What was signed, and what the host made of it; null where it was not handed in. */
export interface Approved {
  readonly document: string
  readonly received: Approval | null
}

/** Looks at the plan again, signs that it is approved, and hands it in. Throws `approval-wrong-plan`. */
export async function approve(request: ApproveRequest, ports: ApprovePorts): Promise<Approved> {
  const { host, profile, storePath, mode, confirm, revision } = request
  const { signal, nowMs, id } = ports
  const { name, plan } = await ask(request, ports)
  assertHost(host, name)
  assertPlan(request, plan)
  const issuedAt = approvalTime(nowMs)
  const expiresAt = approvalTime(nowMs + request.lifetimeSeconds * 1000)
  const terms = { mode, confirm, revision, issuedAt, expiresAt, id }
  const statement = { host: name, profile, storePath, planHash: plan.hash, ...terms }
  const text = formatStatement(statement)
  const signature = await withKey(request.key, ports.run, (fingerprint, sign) => {
    ports.show({ statement, text, fingerprint, plan })
    return sign(text)
  })
  const document = formatApproval(text, signature)
  parseApproval(document)
  if (!request.handIn) return { document, received: null }
  await using tunnel = await ports.openTunnel(host, signal)
  return { document, received: await hostClient(tunnel.socketPath, PLAN_TIMEOUT).handIn(document) }
}

/** Over a connection that is closed before a person is asked, who may take their time. */
async function ask({ host, profile, storePath }: ApproveRequest, { openTunnel, signal }: ApprovePorts) {
  await using tunnel = await openTunnel(host, signal)
  const client = hostClient(tunnel.socketPath, PLAN_TIMEOUT)
  const { name } = await client.host()
  return { name, plan: await client.preview({ storePath }, profile) }
}

/** Milliseconds for the host to make the plan of a large closure. */
const PLAN_TIMEOUT = 120_000

/** A host that says it is another one would have that one approved. */
function assertHost(host: FleetHost, name: string): void {
  if (host.name === name) return
  const text = `the fleet file has it as ${host.name}, and the host says that it is ${name}`
  throw new BelayError('wrong-host', text, { found: name, wanted: host.name })
}

function assertPlan({ planHash, plan: read }: ApproveRequest, plan: Plan): void {
  if (plan.hash === planHash) return
  const changed = read === null ? [] : planDifference(read, plan)
  const what = changed.length === 0 ? 'look at it again' : clean(changed.join('; '))
  const text = `the plan is not the one that you read; it is ${plan.hash} now: ${what}`
  throw new BelayError('approval-wrong-plan', text, { found: plan.hash, wanted: planHash, at: '--plan' })
}
