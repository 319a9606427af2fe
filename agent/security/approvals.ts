import type { Approval } from '../../shared/api/approval.ts'
import type { Plan } from '../../shared/api/plan.ts'
import type { ProfileName } from '../../shared/api/profile.ts'
import { homeOf } from '../../shared/api/profile.ts'
import type { SignedApproval, Statement } from '../../shared/approval.ts'
import { parseApproval } from '../../shared/approval.ts'
import { BelayError } from '../../shared/errors.ts'
import { planDifference } from '../../shared/plan-difference.ts'
import type { Settings } from '../config/settings.ts'
import type { ApprovalStore, Kept } from './approval-store.ts'
import { approvalStore, MAX_APPROVALS } from './approval-store.ts'
import type { Objection } from './judge.ts'
import { ended, endOf, mismatch, unnumbered, untimely } from './judge.ts'
import { readTrustedFile } from './trusted-file.ts'
import type { Signer, Signers } from './verify-signature.ts'
import { verifySignature } from './verify-signature.ts'

/** What the plan of a store path would be now; changes nothing. */
export type Preview = (storePath: string, profile?: ProfileName) => Promise<Plan>

/** What approvals need of the host around them. */
export interface ApprovalsOptions {
  readonly settings: Settings
  readonly preview: Preview
  readonly nowMs: () => number
}

/** Milliseconds for which an approval is remembered beyond its end, lest a clock that went wrong gives it new life. */
const REMEMBERED_MS = 30 * 86_400_000

/** Approvals as the listening half has them: taking them in, listing, taking back. What counts is judged at use. */
export class Approvals {
  readonly #options: ApprovalsOptions
  readonly #store: ApprovalStore
  /** One at a time: nobody can make this host verify more at once. */
  #received: Promise<unknown> = Promise.resolve()

  constructor(options: ApprovalsOptions) {
    this.#options = options
    this.#store = approvalStore(options.settings.stateDirectory)
  }

  /** Takes a signed approval in, with the plan that it approves. The same one again is the same. */
  receive(document: string): Promise<Approval> {
    const next = this.#received.then(() => this.#receive(document))
    this.#received = next.catch(() => {})
    return next
  }

  async list(): Promise<readonly Approval[]> {
    const all = await this.#store.all()
    return all.map((kept) => this.#view(kept)).sort((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1))
  }

  async revoke(id: string, reason: string, principal: string): Promise<Approval> {
    const kept = await this.#store.get(id)
    if (kept === null) throw new BelayError('approval-unknown', `no approval ${id}`, { found: id })
    const at = new Date(this.#options.nowMs()).toISOString()
    const spent = await this.#store.spend(id, { by: 'revoked', principal, reason, at })
    if (spent.by === 'revoked') return this.#view({ ...kept, spent })
    throw objectionError(ended({ statement: kept.statement, spent }, null))
  }

  async #receive(document: string): Promise<Approval> {
    const { settings, preview, nowMs } = this.#options
    const signed = parseApproval(document)
    const { statement } = signed
    const profile = profileHere(statement, settings)
    const asked = { ...statement, host: settings.hostName, profile, operation: null }
    const claim = { statement, spent: null }
    const wrong =
      mismatch(claim, asked) ??
      unnumbered(claim, settings.approval) ??
      untimely(statement, nowMs(), settings.approval.maxAgeSeconds)
    if (wrong !== null) throw objectionError(wrong)
    const earlier = await this.#store.get(statement.id)
    if (earlier !== null) return this.#same(earlier, document)
    await this.#makeRoom()
    const seen = await verifySignature(signed, await readSigners(settings))
    const plan = await preview(statement.storePath, profile)
    if (plan.hash !== statement.planHash) {
      const text = `the plan of ${statement.storePath} is ${plan.hash} now, not ${statement.planHash}; look at it again`
      throw new BelayError('approval-wrong-plan', text, { found: plan.hash, wanted: statement.planHash })
    }
    const kept: Kept = {
      ...signed,
      document,
      receivedAt: new Date(nowMs()).toISOString(),
      seen,
      spent: null
    }
    if (await this.#store.add(kept, plan)) return this.#view(kept)
    throw taken(statement)
  }

  #same(earlier: Kept, document: string): Approval {
    if (earlier.document === document) return this.#view(earlier)
    throw taken(earlier.statement)
  }

  async #makeRoom(): Promise<void> {
    const { settings, nowMs } = this.#options
    for (const { statement } of await this.#store.all())
      if (endOf(statement, settings.approval.maxAgeSeconds) + REMEMBERED_MS < nowMs())
        await this.#store.remove(statement.id)
    const found = await this.#store.count()
    if (found < MAX_APPROVALS) return
    const text = `this host holds ${found} approvals, which is all that it may`
    throw new BelayError('approval-too-many', text, { found, wanted: MAX_APPROVALS - 1 })
  }

  #view(kept: Kept): Approval {
    const { statement, spent, seen } = kept
    const end = endOf(statement, this.#options.settings.approval.maxAgeSeconds)
    const open = end > this.#options.nowMs() ? 'waiting' : 'expired'
    return {
      ...statement,
      state: spent === null ? open : spent.by === 'operation' ? 'used' : 'revoked',
      expiresAt: new Date(end).toISOString(),
      receivedAt: kept.receivedAt,
      ...seen,
      endedAt: spent?.at ?? null,
      endedBy: spent === null ? null : spent.by === 'operation' ? spent.operation : spent.principal,
      reason: spent?.by === 'revoked' ? spent.reason : null,
      approval: kept.document
    }
  }
}

/** The files that say who may approve, judged and read anew each time. */
export async function readSigners({ approval }: Settings): Promise<Signers> {
  const { signersFile, revokedKeysFile } = approval
  const allowed = await readTrustedFile(signersFile)
  return { allowed, revoked: revokedKeysFile === null ? null : await readTrustedFile(revokedKeysFile) }
}

/** Verifies again what lies in the directory; an objection for what does not hold. */
export async function verifyAgain(approval: SignedApproval, signers: Signers): Promise<Signer | Objection> {
  try {
    return await verifySignature(approval, signers)
  } catch (error) {
    if (!(error instanceof BelayError) || !error.code.startsWith('approval-')) throw error
    return { code: error.code, text: error.message, found: error.found, wanted: error.wanted }
  }
}

/** That a plan is not the one approved, naming what changed where the approved one is known. */
export function stalePlan(statement: Statement, now: Plan, approved: unknown): Objection | null {
  if (now.hash === statement.planHash) return null
  const known = (approved as Partial<Plan> | null)?.hash === statement.planHash
  const changed = known ? planDifference(approved, now) : []
  const what = changed.length === 0 ? `its hash is ${now.hash} now` : changed.join('; ')
  const text = `the plan is not the one that was approved: ${what}`
  return { code: 'approval-wrong-plan', text, found: now.hash, wanted: statement.planHash }
}

function objectionError(objection: Objection | null): BelayError {
  const { code, text, found, wanted } = objection ?? { code: 'internal', text: 'no objection' }
  return new BelayError(code, text, { found, wanted, at: 'approval' })
}

function taken({ id }: Statement): BelayError {
  return new BelayError('idempotency-conflict', `another approval has the identity ${id}`, {
    found: id,
    wanted: 'an identity of its own'
  })
}

/** The profile of this host that a statement is of; the system's where it is of none. */
function profileHere({ profile }: Statement, { homes }: Settings): ProfileName {
  return homes.users.map(homeOf).find((home) => home === profile) ?? 'system'
}
