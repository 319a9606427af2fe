import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProfileName } from '../../shared/api/profile.ts'
import type { OperationRequest, ProfileState, RollbackRequest } from '../../shared/api/schemas.ts'
import { setReserve } from '../../shared/durable-write.ts'
import { BelayError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { assertNotOlder, readDesired } from '../desired/store.ts'
import type { Host } from '../platform/platform.ts'
import { assertOpen } from '../preflight/people.ts'
import { Admissions } from './admissions.ts'
import type { Caller } from './confirmable.ts'
import { askedBy, assertConfirmable } from './confirmable.ts'
import { cancellable, heard, say } from './control.ts'
import type { Observed } from './drift.ts'
import { assertNotDrifted, lastLeft, leftBy, withDrifts } from './drift.ts'
import { Holds } from './hold.ts'
import { assertNotBad, readMarks } from './marks.ts'
import { partsOfRequest, profilesOfOperation } from './parts.ts'
import { assertMode, assertNotHeld, profileDirectory, profileHost, profilesOf } from './profiles.ts'
import { rebootIsDue } from './reboot-policy.ts'
import { Rollbacks } from './rollbacks.ts'
import type { OperationState } from './state.ts'
import {
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
  readonly #admissions: Admissions
  readonly #rollbacks: Rollbacks
  /** Operations that have ended do not change any more. */
  readonly #ended = new Map<string, OperationState>()

  constructor({ settings, clock, host, assertApproved }: OperationsOptions) {
    this.root = operationsRoot(settings)
    this.holds = new Holds(settings.stateDirectory, clock)
    this.#settings = settings
    this.#clock = clock
    this.#host = host
    this.#assertApproved = assertApproved
    this.#admissions = new Admissions({
      root: this.root,
      settings,
      clock,
      host,
      holdsOf: (profile) => this.holdsOf(profile)
    })
    this.#rollbacks = new Rollbacks({ operations: this, admissions: this.#admissions, settings, host })
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
  async profileState(profile: ProfileName = 'system', look?: Promise<Observed>): Promise<ProfileState> {
    const [seen, states, unreadable] = await Promise.all([
      look ?? profileHost(this.#host, profile).observe(),
      this.all(),
      this.unreadable()
    ])
    return withDrifts(seen, lastLeft(states, unreadable, profile))
  }

  /** That of every profile, the system's first. No home keeps the others waiting. */
  async profileStates(): Promise<ProfileState[]> {
    const states = profilesOf(this.#host).map((profile) => {
      const on = profileHost(this.#host, profile)
      return this.profileState(profile, on.glance?.())
    })
    return Promise.all(states)
  }

  /** The hold of a profile; that of the system keeps back everything. */
  holdsOf(profile: ProfileName): Holds {
    profileHost(this.#host, profile)
    return new Holds(profileDirectory(this.#settings.stateDirectory, profile), this.#clock)
  }

  async start(request: OperationRequest, caller: Caller, key: string | null): Promise<OperationState> {
    const earlier =
      key === null ? undefined : (await this.all()).find((s) => s.accepted.idempotency?.key === key)
    const { storePath, homes, revision, planHash, profile = 'system', mode = 'switch' } = request
    if (!earlier) {
      if (revision !== undefined && profile === 'system')
        assertNotOlder(await readDesired(this.#settings.stateDirectory), revision)
      const outside = request.outsideWindow ? caller.principal : null
      await assertOpen(this.#settings, Date.parse(this.#clock.now().at), outside)
      assertMode(profile, mode)
      for (const part of partsOfRequest(request)) {
        await assertNotHeld(this.#settings.stateDirectory, part.profile)
        await profileHost(this.#host, part.profile).assertCandidate(part.storePath)
        await this.#assertApproved?.({ ...request, ...part })
      }
    }
    const wanted = earlier ? undefined : () => this.#assertWanted(request)
    return this.#admissions.submit(
      {
        kind: 'activate',
        profile,
        target: { number: null, storePath },
        ...(homes === undefined || homes.length === 0 ? {} : { homes }),
        mode: profile === 'system' ? mode : 'switch',
        ...(revision === undefined ? {} : { revision }),
        ...(planHash === undefined ? {} : { planHash }),
        ...(request.outsideWindow ? { outsideWindow: true } : {}),
        confirm: request.confirm ?? { by: 'connection', windowSeconds: this.#settings.confirm.windowSeconds },
        ...askedBy(caller),
        reason: request.reason ?? null,
        idempotency: key === null ? null : { key, request: requestHash(request) }
      },
      wanted
    )
  }

  /** Nothing is tried twice, and nobody's work is overwritten, unless that is asked for. */
  async #assertWanted(request: OperationRequest): Promise<void> {
    const { stateDirectory } = this.#settings
    for (const { profile, storePath } of partsOfRequest(request)) {
      if (request.again !== true)
        assertNotBad(await readMarks(profileDirectory(stateDirectory, profile)), storePath)
      if (request.overDrift !== true) assertNotDrifted((await this.profileState(profile)).drifts)
    }
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
    if (!cancellable.has(state.phase)) throw notCancellable(state)
    await say(operationDirectory(this.root, id), { word: 'cancel', principal: caller.principal, reason })
    // The runner looks for the word once more when it begins to commit, and the word may have come behind that.
    const now = await this.get(id)
    if (now.phase === 'committing' || now.phase === 'committed') throw notCancellable(now)
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
  rollback(request: RollbackRequest, caller: Caller): Promise<OperationState> {
    return this.#rollbacks.ask(request, caller)
  }

  /**
   * Starts a runner for what has none and is unfinished: it may have been stopped, or never have started. Gives whether
   * anything is unfinished.
   */
  async supervise(): Promise<boolean> {
    const unfinished = (await this.all()).filter(({ phase }) => !isTerminal(phase))
    const starts = unfinished.map(async (state) => {
      if (!(await this.#waitsForReboot(state))) await this.#host.startRunner(state.accepted.id)
    })
    // One that cannot be started keeps no other waiting.
    const failed = (await Promise.allSettled(starts)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
    return unfinished.length > 0
  }

  /** Takes up what is unfinished, sets space aside, removes the oldest ended operations; at start and once a day. */
  async tend(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o750 })
    await this.supervise()
    const all = await this.all()
    // The journal of the last change of each profile tells by-hand drift.
    const changes = all.filter((state) => leftBy(state) !== null)
    const changed = new Map(
      changes.flatMap((state) => profilesOfOperation(state.accepted).map((profile) => [profile, state]))
    )
    const needed = new Set(changed.values())
    const ended = all.filter((state) => isTerminal(state.phase) && !needed.has(state))
    for (const { accepted } of ended.slice(0, Math.max(0, ended.length - this.#settings.keepOperations)))
      await this.#forget(accepted.id)
    await removeLeftovers(this.root)
    await setReserve(this.#settings.stateDirectory, EMERGENCY_BYTES)
  }

  async #forget(id: string): Promise<void> {
    await removeOperation(this.root, id)
    this.#ended.delete(id)
  }
}

function notCancellable({ accepted, phase }: OperationState): BelayError {
  const detail = { found: phase, wanted: [...cancellable] }
  return new BelayError('not-cancellable', `operation ${accepted.id} is ${phase}`, detail)
}

/** Where operations are kept. */
export const operationsRoot = (settings: Settings) => join(settings.stateDirectory, 'operations')
