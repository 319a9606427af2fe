import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { OperationRequest, RollbackRequest } from '../../shared/api/schemas.ts'
import { BelayError, codeOf } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import type { Host } from '../platform/platform.ts'
import { sameNonce, say } from './control.ts'
import { readKnownGood, rollbackTarget } from './known-good.ts'
import type { OperationState } from './state.ts'
import type { Admission } from './store.ts'
import { admit, listOperations, operationDirectory, readOperation, requestHash } from './store.ts'

/** Who says something, and over which connection. */
export interface Caller {
  readonly principal: string
  /** CLOCK_MONOTONIC milliseconds at which the connection was opened. */
  readonly connectedMonotonicMs: number
}

/** What the operations need of the host around them. */
export interface OperationsOptions {
  readonly settings: Settings
  readonly clock: Clock & { readonly bootId: string }
  readonly host: Host
}

/** Phases from which a cancellation still leads to the baseline. */
const cancellable: ReadonlySet<Phase> = new Set([
  'accepted',
  'fetching',
  'checking',
  'arming',
  'activating',
  'verifying',
  'confirming'
])

/** What can be done with operations: the same for the daemon's API and for a CLI that finds the daemon dead. */
export class Operations {
  readonly root: string
  readonly #settings: Settings
  readonly #clock: Clock & { readonly bootId: string }
  readonly #host: Host
  /** One admission at a time in this process; across processes the runner's unit name decides. */
  #admissions: Promise<unknown> = Promise.resolve()
  /** Operations that have ended do not change any more. */
  readonly #ended = new Map<string, OperationState>()

  constructor({ settings, clock, host }: OperationsOptions) {
    this.root = operationsRoot(settings)
    this.#settings = settings
    this.#clock = clock
    this.#host = host
  }

  async get(id: string): Promise<OperationState> {
    const known = this.#ended.get(id)
    if (known) return known
    const state = await readOperation(this.root, id)
    if (isTerminal(state.phase)) this.#ended.set(id, state)
    return state
  }

  /** All that are kept and can be read, oldest first. */
  async all(): Promise<readonly OperationState[]> {
    const states = (await listOperations(this.root)).map((id) => this.get(id).catch(ignoreCorrupt))
    return (await Promise.all(states)).filter((state) => state !== null)
  }

  /** Identities of operations whose journals cannot be read: nobody knows what they did, so nothing is activated. */
  async unreadable(): Promise<readonly string[]> {
    const ids = await listOperations(this.root)
    const states = await Promise.all(ids.map((id) => this.get(id).catch(ignoreCorrupt)))
    return ids.filter((_, i) => states[i] === null)
  }

  async start(request: OperationRequest, caller: Caller, key: string | null): Promise<OperationState> {
    const earlier =
      key === null ? undefined : (await this.all()).find((s) => s.accepted.idempotency?.key === key)
    if (!earlier) await this.#host.assertCandidate(request.storePath)
    return this.#submit({
      kind: 'activate',
      profile: 'system',
      target: { number: null, storePath: request.storePath },
      confirm: request.confirm ?? { by: 'connection', windowSeconds: this.#settings.confirm.windowSeconds },
      principal: caller.principal,
      reason: request.reason ?? null,
      idempotency: key === null ? null : { key, request: requestHash(request) }
    })
  }

  async confirm(id: string, nonce: string | undefined, caller: Caller): Promise<OperationState> {
    const state = await this.get(id)
    assertConfirmable(state, nonce, caller, this.#clock)
    await say(operationDirectory(this.root, id), {
      word: 'confirm',
      principal: caller.principal,
      nonce: nonce ?? ''
    })
    return state
  }

  async cancel(id: string, caller: Caller, reason: string | null): Promise<OperationState> {
    const state = await this.get(id)
    if (!cancellable.has(state.phase)) {
      const detail = { found: state.phase, wanted: [...cancellable] }
      throw new BelayError('not-cancellable', `operation ${id} is ${state.phase}`, detail)
    }
    await say(operationDirectory(this.root, id), { word: 'cancel', principal: caller.principal, reason })
    return state
  }

  /** An operation on its way is turned round; otherwise a rollback of its own begins. */
  async rollback(request: RollbackRequest, caller: Caller): Promise<OperationState> {
    const unfinished = (await this.all()).find((state) => !isTerminal(state.phase))
    if (unfinished) return this.#turnRound(unfinished, request, caller)
    const target =
      request.generation === undefined
        ? rollbackTarget(await readKnownGood(this.#settings.stateDirectory), await this.#host.running())
        : await this.#host.generation(request.generation)
    return this.#submit({
      kind: 'rollback',
      profile: 'system',
      target,
      confirm: { by: 'health', windowSeconds: this.#settings.confirm.windowSeconds },
      principal: caller.principal,
      reason: request.reason ?? null,
      idempotency: null
    })
  }

  /** Starts a runner for what is unfinished and removes the oldest ended operations; at start and once a day. */
  async tend(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o750 })
    const states = await this.all()
    for (const { phase, accepted } of states)
      if (!isTerminal(phase)) await this.#host.startRunner(accepted.id)
    const ended = states.filter(({ phase }) => isTerminal(phase))
    for (const { accepted } of ended.slice(0, Math.max(0, ended.length - this.#settings.keepOperations))) {
      await rm(operationDirectory(this.root, accepted.id), { recursive: true, force: true })
      this.#ended.delete(accepted.id)
    }
  }

  #submit(admission: Admission): Promise<OperationState> {
    const next = this.#admissions.then(() => admit(this.root, admission, this.#clock.now))
    this.#admissions = next.catch(() => {})
    return next.then(async (state) => {
      if (!isTerminal(state.phase)) await this.#host.startRunner(state.accepted.id)
      return state
    })
  }

  async #turnRound(state: OperationState, request: RollbackRequest, caller: Caller): Promise<OperationState> {
    const { id } = state.accepted
    const target = state.baseline?.generation.number ?? null
    if (state.phase === 'committing' || (request.generation !== undefined && request.generation !== target)) {
      const text = `operation ${id} is ${state.phase}; ask again when it has ended`
      throw new BelayError('operation-running', text, { found: id })
    }
    if (cancellable.has(state.phase)) return this.cancel(id, caller, request.reason ?? null)
    await say(operationDirectory(this.root, id), { word: 'retry', principal: caller.principal })
    return state
  }
}

/** For `catch`: null for a journal that cannot be read; any other error goes on. */
function ignoreCorrupt(error: unknown): null {
  if (codeOf(error) === 'journal-corrupt') return null
  throw error
}

/** Where operations are kept. */
export const operationsRoot = (settings: Settings) => join(settings.stateDirectory, 'operations')

/** Throws with its own code for each way in which a confirmation proves nothing. */
function assertConfirmable(
  state: OperationState,
  nonce: string | undefined,
  caller: Caller,
  clock: Clock
): void {
  const { window, activation, phase, accepted } = state
  const now = clock.now()
  if (phase !== 'confirming' || window === null || now.bootId !== state.bootId) {
    throw new BelayError('not-confirming', `operation ${accepted.id} is ${phase}`, {
      found: phase,
      wanted: 'confirming'
    })
  }
  if (now.monotonicMs >= window.deadlineMonotonicMs) {
    throw new BelayError('not-confirming', 'the confirm window is over', {
      found: now.at,
      wanted: `before ${window.deadlineAt}`
    })
  }
  if (nonce === undefined || nonce === '') {
    throw new BelayError(
      'nonce-missing',
      "the confirmation carries no nonce; read the operation's over a new connection",
      { wanted: 'nonce' }
    )
  }
  if (!sameNonce(nonce, window.nonce)) {
    throw new BelayError('nonce-wrong', 'that nonce is of another operation or none', {
      wanted: "this operation's nonce"
    })
  }
  if (caller.connectedMonotonicMs <= (activation.endedMonotonicMs ?? Number.POSITIVE_INFINITY)) {
    throw new BelayError(
      'connection-too-old',
      'the connection was opened before the activation ended; it proves nothing',
      {
        wanted: 'a connection opened after the activation'
      }
    )
  }
}
