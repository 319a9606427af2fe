import type { Plan } from '../../shared/api/plan.ts'
import type { OperationRequest } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { isIrreversible } from '../../shared/plan-difference.ts'
import type { Settings } from '../config/settings.ts'
import { assertNotOlder, readDesired } from '../desired/store.ts'
import type { Journal } from '../journal/journal.ts'
import type { Accepted, Event } from '../operation/events.ts'
import type { ApprovalStore, Kept } from './approval-store.ts'
import { approvalStore } from './approval-store.ts'
import type { Preview } from './approvals.ts'
import { readSigners, stalePlan, verifyAgain } from './approvals.ts'
import type { Asked, Objection } from './judge.ts'
import { distinct, ended, isOwn, mismatch, refusal, unnumbered, untimely } from './judge.ts'
import { assertNewer, passRevision, readPassed } from './revision.ts'
import type { Signer, Signers } from './verify-signature.ts'

/** What judging an activation needs. */
export interface RequireOptions {
  readonly settings: Settings
  readonly preview: Preview
  readonly nowMs: () => number
}

/** An approval that counts, and who gave it. */
export interface Counted extends Signer {
  readonly kept: Kept
}

/**
 * Throws unless as many people have approved the activation as this host wants; gives their approvals, none where it
 * wants none. Nothing is believed that was found out before: signatures, files and the plan are looked at anew.
 */
export async function requireApprovals(asked: Asked, options: RequireOptions): Promise<readonly Counted[]> {
  const { settings, preview, nowMs } = options
  const { required, approvers, maxAgeSeconds } = settings.approval
  if (required === 'never') return []
  const { revision: wanted } = settings.approval
  let known: Promise<Plan> | undefined
  /** Made once, and only where it matters: nobody without an approval can keep this host busy with plans. */
  const plan = () => (known ??= preview(asked.storePath, asked.profile))
  if (required === 'irreversible' && !isIrreversible(await plan())) return []
  if (wanted === 'required' && asked.revision !== null)
    assertNewer(await readPassed(settings.stateDirectory, asked.profile), asked.revision, asked.storePath)
  const store = approvalStore(settings.stateDirectory)
  const claims = await store.all()
  const objections: Objection[] = []
  const signed: Counted[] = []
  // Read where they are needed, so that it is said that nobody approved where nobody did.
  let signers: Signers | null = null
  for (const kept of ownFirst(claims, asked.operation)) {
    const over =
      ended(kept, asked.operation) ??
      (isOwn(kept.spent, asked.operation) ? null : untimely(kept.statement, nowMs(), maxAgeSeconds))
    const wrong = mismatch(kept, asked) ?? unnumbered(kept, settings.approval)
    // What is of another activation and over says nothing about this one.
    if (wrong !== null && over !== null) continue
    signers ??= await readSigners(settings)
    const found = wrong ?? over ?? (await judgeOne(kept, plan, store, signers))
    if ('code' in found) objections.push(found)
    else signed.push({ ...found, kept })
  }
  const counted = distinct(signed).slice(0, approvers)
  if (counted.length === approvers) return counted
  throw refusal(
    asked,
    counted.map(({ principal }) => principal),
    approvers,
    objections
  )
}

/** What this operation used before it was cut off comes first, so that it uses nothing more; then the newest. */
function ownFirst(claims: readonly Kept[], operation: string | null): readonly Kept[] {
  const newest = claims.toSorted((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1))
  const own = newest.filter(({ spent }) => isOwn(spent, operation))
  return [...own, ...newest.filter((kept) => !own.includes(kept))]
}

async function judgeOne(
  kept: Kept,
  plan: () => Promise<Plan>,
  store: ApprovalStore,
  signers: Signers
): Promise<Signer | Objection> {
  const signer = await verifyAgain(kept, signers)
  if ('code' in signer) return signer
  const { statement } = kept
  const now = await plan()
  if (now.hash === statement.planHash) return signer
  return stalePlan(statement, now, await store.plan(statement.id)) ?? signer
}

/** The judgement before an operation is admitted: early word for the caller, binding for nobody. */
export async function assertApproved(request: OperationRequest, options: RequireOptions): Promise<void> {
  await requireApprovals(askedOf(request, options.settings), options)
}

/** What the runner needs besides. */
export interface UseOptions extends RequireOptions {
  readonly journal: Journal<Event>
}

/**
 * The root half's own judgement, last before anything changes: uses the approvals up, durably, and writes them into the
 * journal. A runner that was cut off in here does it again and finds its own.
 */
export async function useApprovals(accepted: Accepted, options: UseOptions): Promise<void> {
  const { settings, journal, nowMs } = options
  // A newer desired state may have come since it was admitted.
  if (accepted.revision !== undefined && accepted.profile === 'system')
    assertNotOlder(await readDesired(settings.stateDirectory), accepted.revision)
  const asked: Asked = {
    host: settings.hostName,
    profile: accepted.profile,
    storePath: accepted.target.storePath,
    mode: accepted.mode ?? 'switch',
    confirm: accepted.confirm.by,
    revision: accepted.revision ?? null,
    operation: accepted.id
  }
  const counted = await requireApprovals(asked, options)
  const store = approvalStore(settings.stateDirectory)
  const at = new Date(nowMs()).toISOString()
  // Before they are used up: who dies in between goes on with it, and nobody else has this revision.
  if (counted.length > 0 && asked.revision !== null)
    await passRevision(settings.stateDirectory, asked.profile, {
      ...{ revision: asked.revision, storePath: asked.storePath, operation: accepted.id, at }
    })
  for (const { kept } of counted) {
    const { id } = kept.statement
    const spent = await store.spend(id, { by: 'operation', operation: accepted.id, at })
    const lost = ended({ ...kept, spent }, accepted.id)
    if (lost !== null) throw new BelayError(lost.code, lost.text, { found: lost.found, wanted: lost.wanted })
  }
  const told = journal.records.flatMap(({ event }) => (event.type === 'approved' ? [event.approval] : []))
  for (const { kept, principal, key } of counted) {
    const { text, signature, statement } = kept
    if (told.includes(statement.id)) continue
    const approval = { approval: statement.id, principal, key, statement: text, signature }
    await journal.append({ type: 'approved', ...approval })
  }
}

/**
 * Where revisions must grow: throws unless somebody has signed this content under this revision, so that nobody else
 * can have the host pass revisions and then refuse what is signed under a lower one. Whether as many did as it takes, and
 * for which plan, is judged when it is activated.
 */
export async function assertSigned(wanted: OperationRequest, options: RequireOptions): Promise<void> {
  const { settings, nowMs } = options
  const { required, revision, maxAgeSeconds } = settings.approval
  if (required === 'never' || revision === 'optional') return
  const asked = askedOf(wanted, settings)
  if (asked.revision !== null)
    assertNewer(await readPassed(settings.stateDirectory, asked.profile), asked.revision, asked.storePath)
  const objections: Objection[] = []
  for (const kept of await approvalStore(settings.stateDirectory).all()) {
    const wrong =
      mismatch(kept, asked) ??
      unnumbered(kept, settings.approval) ??
      ended(kept, null) ??
      untimely(kept.statement, nowMs(), maxAgeSeconds)
    const found = wrong ?? (await verifyAgain(kept, await readSigners(settings)))
    if (!('code' in found)) return
    objections.push(found)
  }
  throw refusal(asked, [], 1, objections)
}

function askedOf(request: OperationRequest, { hostName: host }: Settings): Asked {
  const { storePath, revision = null, profile = 'system' } = request
  const mode = profile === 'system' ? (request.mode ?? 'switch') : 'switch'
  const confirm = request.confirm?.by ?? 'connection'
  return { host, profile, storePath, mode, confirm, revision, operation: null }
}
