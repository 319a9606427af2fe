import type { ProfileName } from '../../shared/api/profile.ts'
import type { GenerationRef, RollbackRequest } from '../../shared/api/schemas.ts'
import { BelayError, codeOf } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import { monotonicMs } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { Host, ProfileHost } from '../platform/platform.ts'
import type { Admissions } from './admissions.ts'
import type { Caller } from './confirmable.ts'
import { askedBy } from './confirmable.ts'
import { cancellable, say, until } from './control.ts'
import { assertMayGoBack, readKnownGood, rollbackTarget } from './known-good.ts'
import type { Operations } from './operations.ts'
import { profileDirectory, profileHost } from './profiles.ts'
import type { OperationState } from './state.ts'
import { operationDirectory } from './store.ts'

/** How often somebody else may be first before that is said. */
const ATTEMPTS = 3
/** How long a commit that is under way is waited for; less than clients wait for an answer. */
const COMMIT_MS = 8000

/** What rollbacks need. */
export interface RollbacksOptions {
  readonly operations: Pick<Operations, 'root' | 'get' | 'all' | 'cancel' | 'holdsOf'>
  readonly admissions: Admissions
  readonly settings: Settings
  readonly host: Host
}

/** Goes back when a person says so, however often and whatever else is on its way. */
export class Rollbacks {
  readonly #options: RollbacksOptions

  constructor(options: RollbacksOptions) {
    this.#options = options
  }

  /** Turns round what is on its way, or begins a rollback; whoever asks at the same time shares it. */
  async ask(request: RollbackRequest, caller: Caller): Promise<OperationState> {
    for (let attempt = 1; ; attempt++) {
      const unfinished = await this.#unfinished(request.profile ?? 'system')
      try {
        if (unfinished) return await this.#turnRound(unfinished, request, caller)
        return await this.#begin(request, caller)
      } catch (error) {
        // While this one looked, another was let in, or what was under way went on to where it cannot be turned.
        const overtaken =
          codeOf(error) === 'not-cancellable' || (!unfinished && codeOf(error) === 'operation-running')
        if (!overtaken || attempt === ATTEMPTS) throw error
      }
    }
  }

  /** What moves the profile and has not ended. A commit is let end: behind it one can go back, within it one cannot. */
  async #unfinished(profile: ProfileName): Promise<OperationState | null> {
    const { operations } = this.#options
    const open = (await operations.all()).find(
      ({ phase, accepted }) => !isTerminal(phase) && accepted.profile === profile
    )
    if (open?.phase !== 'committing') return open ?? null
    const { id } = open.accepted
    const end = monotonicMs() + COMMIT_MS
    const committed = await until(
      operationDirectory(operations.root, id),
      () => end - monotonicMs(),
      async () => {
        const state = await operations.get(id)
        return state.phase === 'committing' ? null : state
      }
    )
    if (committed === null) {
      const text = `operation ${id} is committing; ask again when it has ended`
      throw new BelayError('operation-running', text, { found: id })
    }
    return isTerminal(committed.phase) ? null : committed
  }

  async #begin(request: RollbackRequest, caller: Caller): Promise<OperationState> {
    const { admissions, settings, host } = this.#options
    const profile = request.profile ?? 'system'
    const on = profileHost(host, profile)
    const from = await on.running()
    const target = await this.#targetOf(request, on, { from, caller })
    return admissions.submit({
      kind: 'rollback',
      profile,
      target,
      from,
      confirm: { by: 'health', windowSeconds: settings.confirm.windowSeconds },
      ...askedBy(caller),
      reason: request.reason ?? null,
      idempotency: null
    })
  }

  async #targetOf(
    { generation, profile = 'system' }: RollbackRequest,
    on: ProfileHost,
    { from, caller }: { readonly from: string | null; readonly caller: Caller }
  ): Promise<GenerationRef> {
    if (generation !== undefined) return this.#named(generation, profile, caller)
    const known = await readKnownGood(profileDirectory(this.#options.settings.stateDirectory, profile))
    const there = await Promise.all(known.map(({ storePath }) => on.isComplete(storePath)))
    return rollbackTarget(
      known.filter((_, i) => there[i]),
      from
    )
  }

  /** The generation that a caller names, if it may go back there. */
  async #named(generation: number, profile: ProfileName, caller: Caller): Promise<GenerationRef> {
    const { operations, settings, host } = this.#options
    const target = await profileHost(host, profile).generation(generation)
    const marks = profileDirectory(settings.stateDirectory, profile)
    const states = (await operations.all()).filter(({ accepted }) => accepted.profile === profile)
    await assertMayGoBack(target, settings, { caller, marks, states })
    return target
  }

  async #turnRound(state: OperationState, request: RollbackRequest, caller: Caller): Promise<OperationState> {
    const { operations, host } = this.#options
    const { id, kind, profile, target } = state.accepted
    const onItsWay = kind === 'activate' && cancellable.has(state.phase)
    const { generation } = request
    const back = state.retarget ?? (kind === 'rollback' ? target : state.baseline?.generation)
    const wantsOther = generation !== undefined && generation !== back?.number
    // Only who is stuck asks where else to go.
    if (wantsOther && state.phase !== 'stuck') {
      const text = `operation ${id} is ${state.phase}; ask again when it has ended or is stuck`
      throw new BelayError('operation-running', text, { found: id })
    }
    const other = wantsOther ? await this.#named(generation, profile, caller) : null
    if (onItsWay) await operations.cancel(id, caller, request.reason ?? null)
    else
      await say(operationDirectory(operations.root, id), {
        word: 'retry',
        principal: caller.principal,
        target: other
      })
    const why = { id, principal: caller.principal, reason: request.reason ?? null }
    await operations.holdsOf(profile).afterRollback(why)
    // It may have lost its runner.
    await host.startRunner(id)
    return state
  }
}
