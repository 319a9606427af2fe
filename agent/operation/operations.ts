import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  GenerationRef,
  OperationRequest,
  ProfileState,
  RollbackRequest
} from '../../shared/api/schemas.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { releaseReserve, setReserve } from '../journal/durable-write.ts'
import type { Host } from '../platform/platform.ts'
import { assertOpen } from '../preflight/people.ts'
import type { Caller } from './confirmable.ts'
import { assertConfirmable } from './confirmable.ts'
import { cancellable, heard, say } from './control.ts'
import { assertNotDrifted, lastLeft, leftBy, withDrifts } from './drift.ts'
import { Holds } from './hold.ts'
import { readKnownGood, rollbackTarget } from './known-good.ts'
import { assertNotBad, readMarks } from './marks.ts'
import { rebootIsDue } from './reboot-policy.ts'
import type { OperationState } from './state.ts'
import type { Admission } from './store.ts'
import {
  admit,
  ignoreCorrupt,
  listOperations,
  operationDirectory,
  readOperation,
  removeLeftovers,
  removeOperation,
  requestHash
} from './store.ts'

/** What the operations need of the host around them. */
export interface OperationsOptions {
  readonly settings: Settings
  readonly clock: Clock & { readonly bootId: string }
  readonly host: Host
  /** Throws what is wrong with the approvals of an activation, before it is admitted; the runner judges for itself. */
  readonly assertApproved?: (request: OperationRequest) => Promise<void>
}

/** Set aside beside the operations: an emergency rollback with its own reserve and journal, several times over. */
const EMERGENCY_BYTES = 512 * 1024

/** What can be done with operations: the same for the daemon's API and for a CLI that finds the daemon dead. */
export class Operations {
  readonly root: string
  readonly holds: Holds
  readonly #settings: Settings
  readonly #clock: Clock & { readonly bootId: string }
  readonly #host: Host
  readonly #assertApproved: OperationsOptions['assertApproved']
  /** One admission at a time in this process; across processes the runner's unit name decides. */
  #admissions: Promise<unknown> = Promise.resolve()
  /** Operations that have ended do not change any more. */
  readonly #ended = new Map<string, OperationState>()

  constructor({ settings, clock, host, assertApproved }: OperationsOptions) {
    this.root = operationsRoot(settings)
    this.holds = new Holds(settings.stateDirectory, clock)
    this.#settings = settings
    this.#clock = clock
    this.#host = host
    this.#assertApproved = assertApproved
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

  /** What is chosen, runs and boots, and what of it is not as Belay left it. */
  async profileState(): Promise<ProfileState> {
    const [seen, states, unreadable] = await Promise.all([
      this.#host.observe(),
      this.all(),
      this.unreadable()
    ])
    return withDrifts(seen, lastLeft(states, unreadable))
  }

  async start(request: OperationRequest, caller: Caller, key: string | null): Promise<OperationState> {
    const earlier =
      key === null ? undefined : (await this.all()).find((s) => s.accepted.idempotency?.key === key)
    const { storePath, revision } = request
    if (!earlier) {
      const outside = request.outsideWindow ? caller.principal : null
      await assertOpen(this.#settings, Date.parse(this.#clock.now().at), outside)
      await this.#host.assertCandidate(storePath)
      await this.#assertApproved?.(request)
    }
    const wanted = earlier ? undefined : () => this.#assertWanted(request)
    return this.#submit(
      {
        kind: 'activate',
        profile: 'system',
        target: { number: null, storePath },
        mode: request.mode ?? 'switch',
        ...(revision === undefined ? {} : { revision }),
        ...(request.outsideWindow ? { outsideWindow: true } : {}),
        confirm: request.confirm ?? { by: 'connection', windowSeconds: this.#settings.confirm.windowSeconds },
        principal: caller.principal,
        reason: request.reason ?? null,
        idempotency: key === null ? null : { key, request: requestHash(request) }
      },
      wanted
    )
  }

  /** Nothing is tried twice, and nobody's work is overwritten, unless that is asked for. */
  async #assertWanted({ storePath, again, overDrift }: OperationRequest): Promise<void> {
    if (again !== true) assertNotBad(await readMarks(this.#settings.stateDirectory), storePath)
    if (overDrift !== true) assertNotDrifted((await this.profileState()).drifts)
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

  /** Lets a staged generation be booted. */
  async reboot(id: string, caller: Caller): Promise<OperationState> {
    const state = await this.get(id)
    const found = state.phase
    if (found !== 'staged')
      throw new BelayError('not-staged', `operation ${id} is ${found}`, { found, wanted: 'staged' })
    if (this.#settings.reboot.policy === 'never')
      throw new BelayError('reboot-not-allowed', 'the agent never reboots this host: reboot it by hand', {
        found: 'reboot.policy: never',
        wanted: 'when-asked'
      })
    await say(operationDirectory(this.root, id), { word: 'reboot', principal: caller.principal })
    await this.#host.startRunner(id)
    return state
  }

  /** True for what only a reboot goes on with, and nobody has said anything to. */
  async #waitsForReboot({ phase, bootId, accepted }: OperationState): Promise<boolean> {
    const waits = phase === 'staged' && bootId === this.#clock.bootId
    if (!waits || rebootIsDue(this.#settings, Date.now())) return false
    const directory = operationDirectory(this.root, accepted.id)
    return (await heard(directory, 'cancel')) === null && (await heard(directory, 'reboot')) === null
  }

  /** Turns round what is on its way, or begins a rollback of its own, and holds the host: a person has decided. */
  async rollback(request: RollbackRequest, caller: Caller): Promise<OperationState> {
    const unfinished = (await this.all()).find((state) => !isTerminal(state.phase))
    if (unfinished) return this.#turnRound(unfinished, request, caller)
    const from = await this.#host.running()
    const target = await this.#targetOf(request, from)
    return this.#submit({
      kind: 'rollback',
      profile: 'system',
      target,
      from,
      confirm: { by: 'health', windowSeconds: this.#settings.confirm.windowSeconds },
      principal: caller.principal,
      reason: request.reason ?? null,
      idempotency: null
    })
  }

  /** Starts a runner for what has none and is unfinished: it may have been stopped, or never have started. */
  async supervise(): Promise<void> {
    for (const state of await this.all())
      if (!isTerminal(state.phase) && !(await this.#waitsForReboot(state)))
        await this.#host.startRunner(state.accepted.id)
  }

  /** Takes up what is unfinished, sets space aside, removes the oldest ended operations; at start and once a day. */
  async tend(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o750 })
    await this.supervise()
    const all = await this.all()
    // The journal of the last change tells by-hand drift.
    const changed = all.findLast((state) => leftBy(state) !== null)
    const ended = all.filter((state) => isTerminal(state.phase) && state !== changed)
    for (const { accepted } of ended.slice(0, Math.max(0, ended.length - this.#settings.keepOperations)))
      await this.#forget(accepted.id)
    await removeLeftovers(this.root)
    await setReserve(this.#settings.stateDirectory, EMERGENCY_BYTES)
  }

  async #forget(id: string): Promise<void> {
    await removeOperation(this.root, id)
    this.#ended.delete(id)
  }

  async #targetOf({ generation }: RollbackRequest, running: string | null): Promise<GenerationRef> {
    if (generation !== undefined) return this.#host.generation(generation)
    const known = await readKnownGood(this.#settings.stateDirectory)
    const there = await Promise.all(known.map(({ storePath }) => this.#host.isComplete(storePath)))
    return rollbackTarget(
      known.filter((_, i) => there[i]),
      running
    )
  }

  #submit(admission: Admission, wanted?: () => Promise<void>): Promise<OperationState> {
    const next = this.#admissions.then(() => wanted?.()).then(() => this.#admit(admission))
    this.#admissions = next.catch(() => {})
    return next.then(async (state) => {
      const { id, kind } = state.accepted
      if (isTerminal(state.phase)) return state
      if (kind === 'rollback') await this.holds.afterRollback(state.accepted)
      await this.#host.startRunner(id).catch(async (error: unknown) => {
        // The caller hears that it failed: it must not happen later all the same. A rollback may.
        if (kind === 'activate')
          await say(operationDirectory(this.root, id), {
            word: 'cancel',
            principal: 'agent',
            reason: describeError(error)
          })
        throw error
      })
      return state
    })
  }

  /** On a full disk an emergency rollback takes the space that was set aside for it. */
  async #admit(admission: Admission): Promise<OperationState> {
    const admitted = () => admit(this.root, admission, this.#clock.now)
    return admitted().catch(async (error: unknown) => {
      const { stateDirectory } = this.#settings
      if (
        codeOf(error) === 'no-space' &&
        admission.kind === 'rollback' &&
        (await releaseReserve(stateDirectory))
      )
        return admitted()
      throw error
    })
  }

  async #turnRound(state: OperationState, request: RollbackRequest, caller: Caller): Promise<OperationState> {
    const { id, kind } = state.accepted
    const onItsWay = kind === 'activate' && cancellable.has(state.phase)
    const { generation } = request
    const wantsOther = generation !== undefined && generation !== state.baseline?.generation.number
    if (state.phase === 'committing' || (wantsOther && onItsWay)) {
      const text = `operation ${id} is ${state.phase}; ask again when it has ended`
      throw new BelayError('operation-running', text, { found: id })
    }
    const other = wantsOther ? await this.#host.generation(generation) : null
    if (onItsWay) await this.cancel(id, caller, request.reason ?? null)
    else
      await say(operationDirectory(this.root, id), {
        word: 'retry',
        principal: caller.principal,
        target: other
      })
    await this.holds.afterRollback({ id, principal: caller.principal, reason: request.reason ?? null })
    // It may have lost its runner.
    await this.#host.startRunner(id)
    return state
  }
}

/** Where operations are kept. */
export const operationsRoot = (settings: Settings) => join(settings.stateDirectory, 'operations')
