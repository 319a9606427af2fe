import type { DesiredRequest, DesiredState, WithdrawRequest } from '../../shared/api/desired.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/server/log.ts'
import type { Clock } from '../clock.ts'
import { monotonicMs } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { heard } from '../operation/control.ts'
import { markOf, readMarks } from '../operation/marks.ts'
import type { Operations } from '../operation/operations.ts'
import { operationDirectory } from '../operation/store.ts'
import type { Host } from '../platform/platform.ts'
import type { Decision, Why } from './decide.ts'
import { decide, isOwn, reasonOf } from './decide.ts'
import type { Progress } from './progress.ts'
import { dated, readProgress, writeProgress } from './progress.ts'
import type { Kept } from './store.ts'
import { assertZones, isSameAgain, readDesired, writeDesired } from './store.ts'
import { fetching, unreadable, viewOf } from './view.ts'

/** What the desired state needs of the agent around it. */
export interface DesiredOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly host: Pick<Host, 'fetch' | 'keep' | 'release'>
  readonly operations: Pick<Operations, 'all' | 'profileState' | 'holds' | 'start' | 'root'>
  /** Takes a signed approval in. */
  readonly receive: (document: string) => Promise<unknown>
  /** Throws unless what is wanted was signed, where this host lets no revision pass without. */
  readonly assertSigned?: (wanted: DesiredRequest) => Promise<void>
  readonly logger: Pick<Logger, 'info' | 'warn'>
  readonly monotonicMs?: () => number
  /** Calls back within seconds, so that the end of an operation is soon known. Where it is missing nobody calls. */
  readonly soon?: (act: () => void) => void
  /** Told whenever it is found not to be reached: whoever calls for a look is to do so often. */
  readonly pending?: () => void
}

/** First and longest wait after a refusal at admission or a fetch that failed, in milliseconds. */
const FIRST_WAIT = 15_000
const LONGEST_WAIT = 300_000

/** An attempt that came to nothing before there was an operation. Known while the agent runs. */
interface Setback {
  readonly why: Why
  readonly count: number
  readonly untilMs: number
}

/** What this host is to run: kept durably, and gone to by itself, through the same admission as everything else. */
export class DesiredKeeper {
  readonly #options: DesiredOptions
  readonly #monotonicMs: () => number
  /** One change or look at a time. */
  #busy: Promise<unknown> = Promise.resolve()
  #setback: Setback | null = null
  #fetching: { readonly storePath: string; readonly done: Promise<void> } | null = null
  /** Path that is here, held by a root of ours. */
  #there: string | null = null
  /** Whether there may be such a root. */
  #rooted = true
  #looksSoon = false
  /** What was found last; the file may be behind while the disk is full. */
  #progress: Progress | null = null

  constructor(options: DesiredOptions) {
    this.#options = options
    this.#monotonicMs = options.monotonicMs ?? monotonicMs
  }

  /** Takes a desired state in, durably. The same again is the same; see `isSameAgain` for what is refused. */
  put(request: DesiredRequest, principal: string): Promise<DesiredState> {
    return this.#alone(async () => {
      assertZones(request)
      const { stateDirectory } = this.#options.settings
      const before = await readDesired(stateDirectory)
      const same = isSameAgain(before, request)
      const { approval, ...wanted } = request
      if (approval !== undefined) await this.#options.receive(approval)
      if (!same) {
        await this.#options.assertSigned?.(request)
        const newest = (await this.#options.operations.all()).at(-1)?.accepted.id ?? null
        const receivedAt = this.#now()
        const kept: Kept = { desired: { ...wanted, receivedAt, principal, withdrawn: null }, after: newest }
        await writeDesired(stateDirectory, kept)
        this.#there = null
        this.#options.logger.info({ desired: kept.desired }, 'desired state')
      }
      this.#setback = null
      return this.#step()
    })
  }

  /** Takes it back, durably. Its revision stays passed; an operation that is on its way goes on. */
  withdraw({ revision, reason }: WithdrawRequest, principal: string): Promise<DesiredState> {
    return this.#alone(async () => {
      const { stateDirectory } = this.#options.settings
      const kept = await readDesired(stateDirectory)
      if (kept?.desired.revision !== revision) {
        const found = kept?.desired.revision ?? null
        const text =
          found === null ? 'there is no desired state' : `revision ${found} is kept, not ${revision}`
        throw new BelayError('desired-conflict', text, { found: revision, wanted: found, at: 'revision' })
      }
      if (kept.desired.withdrawn === null) {
        const withdrawn = { at: this.#now(), principal, reason }
        await writeDesired(stateDirectory, { ...kept, desired: { ...kept.desired, withdrawn } })
        this.#options.logger.info({ revision, reason, principal }, 'desired state withdrawn')
      }
      return this.#step()
    })
  }

  /** The desired state, and what was found when it was last looked at. */
  async view(): Promise<DesiredState> {
    try {
      const kept = await readDesired(this.#options.settings.stateDirectory)
      return viewOf(kept, kept && (await this.#progressOf(kept.desired.revision)))
    } catch (error) {
      return unreadable(error, this.#now())
    }
  }

  /** One step towards it. Never throws: what goes wrong is a reason, and the next tick is another attempt. */
  async tick(): Promise<void> {
    await this.#alone(() => this.#step()).catch((error: unknown) =>
      this.#options.logger.warn({ err: error }, 'the desired state could not be looked at')
    )
  }

  /** Something has changed that may have kept it back: it is tried again at once. */
  async nudge(): Promise<void> {
    this.#setback = null
    await this.tick()
  }

  #alone<T>(act: () => Promise<T>): Promise<T> {
    const next = this.#busy.then(act)
    this.#busy = next.catch(() => {})
    return next
  }

  async #step(): Promise<DesiredState> {
    const kept = await readDesired(this.#options.settings.stateDirectory)
    if (kept === null || kept.desired.withdrawn !== null) {
      await this.#release()
      return viewOf(kept, null)
    }
    const { revision } = kept.desired
    const before = await this.#progressOf(revision)
    const { is, why } = await this.#towards(kept, before).catch((error: unknown) => {
      const text = describeError(error)
      return { is: 'pending' as const, why: { code: 'unknown' as const, text, unblock: '', operation: null } }
    })
    const now = this.#now()
    const reachedAt = is === 'reached' ? (before.reachedAt ?? now) : before.reachedAt
    const after = { revision, reachedAt, pending: why === null ? null : dated(why, before.pending, now) }
    await this.#keepProgress(before, after)
    if (is === 'pending') this.#options.pending?.()
    if (is === 'reached') await this.#release()
    else if (why?.code === 'converging' || why?.code === 'operation-running') this.#lookSoon()
    return viewOf(kept, after)
  }

  #lookSoon(): void {
    const { soon } = this.#options
    if (this.#looksSoon || soon === undefined) return
    this.#looksSoon = true
    soon(() => {
      this.#looksSoon = false
      void this.tick()
    })
  }

  async #towards(kept: Kept, { reachedAt }: Progress) {
    const { desired } = kept
    const decision = await this.#decide(kept, reachedAt)
    if (decision.do === 'nothing')
      return decision.is === 'reached'
        ? { is: 'reached' as const, why: null }
        : { is: 'pending' as const, why: decision.why }
    const { storePath } = desired
    if (this.#fetching?.storePath === storePath) return { is: 'pending' as const, why: fetching(storePath) }
    if (this.#setback !== null && this.#waits()) return { is: 'pending' as const, why: this.#setback.why }
    return { is: 'pending' as const, why: await this.#act(kept, decision) }
  }

  async #decide({ desired, after }: Kept, reachedAt: string | null): Promise<Decision> {
    const { settings, operations } = this.#options
    const [every, profile, hold, marks] = await Promise.all([
      operations.all(),
      operations.profileState(),
      operations.holds.read(),
      readMarks(settings.stateDirectory)
    ])
    const all = every.filter(({ accepted }) => accepted.profile === 'system')
    const { state, reason } = markOf(marks, desired.storePath)
    const own = all.findLast((each) => isOwn(each, desired))
    const cancel = own && (await heard(operationDirectory(operations.root, own.accepted.id), 'cancel'))
    return decide({
      desired,
      after,
      reachedAt,
      profile,
      operations: all,
      hold,
      windows: settings.windows,
      bad: state === 'bad' ? (reason ?? 'it was rolled back') : null,
      cancelledBy: cancel?.principal ?? null,
      isThere: profile.running === desired.storePath || (await this.#isThere(desired.storePath)),
      nowMs: Date.parse(this.#now())
    })
  }

  /** Fetches or starts; gives what is to be told meanwhile. */
  async #act({ desired }: Kept, decision: Exclude<Decision, { readonly do: 'nothing' }>): Promise<Why> {
    const { storePath, revision, confirm, mode, planHash, reason, principal } = desired
    if (decision.do === 'fetch') {
      this.#fetching = { storePath, done: this.#fetch(storePath) }
      return fetching(storePath)
    }
    const request = {
      storePath,
      revision,
      confirm,
      reason: reason ?? `desired state, revision ${revision}`,
      ...(mode === undefined ? {} : { mode }),
      ...(planHash === undefined ? {} : { planHash }),
      ...(decision.again ? { again: true } : {})
    }
    const caller = { principal: `desired state of ${principal}`, connectedMonotonicMs: this.#monotonicMs() }
    try {
      const { accepted } = await this.#options.operations.start(request, caller, decision.key)
      this.#setback = null
      const text = `operation ${accepted.id} is accepted`
      return { code: 'converging', text, unblock: 'its end', operation: accepted.id }
    } catch (error) {
      return this.#setBack(reasonOf(codeOf(error)), describeError(error))
    }
  }

  /** Asks Nix no more often than it is tried. */
  async #isThere(storePath: string): Promise<boolean> {
    if (this.#there === storePath) return true
    if (this.#waits()) return false
    this.#rooted = true
    if (await this.#options.host.keep(storePath)) this.#there = storePath
    return this.#there === storePath
  }

  async #release(): Promise<void> {
    if (!this.#rooted) return
    await this.#options.host.release()
    this.#rooted = false
    this.#there = null
  }

  #waits = () => this.#setback !== null && this.#monotonicMs() < this.#setback.untilMs

  /** Never throws. */
  async #fetch(storePath: string): Promise<void> {
    const problem = await this.#options.host.fetch(storePath).then(() => null, describeError)
    // Another one may be wanted by now, and be on its way.
    if (this.#fetching?.storePath === storePath) {
      this.#fetching = null
      if (problem === null) this.#setback = null
      else this.#setBack('path-missing', problem)
    }
    void this.tick()
  }

  #setBack(code: Why['code'], text: string): Why {
    const count = (this.#setback?.count ?? 0) + 1
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(count - 1, 10))
    const seconds = Math.round(wait / 1000)
    const why = {
      code,
      text,
      unblock: `the cause is put right; it is tried every ${seconds} s`,
      operation: null
    }
    this.#setback = { why, count, untilMs: this.#monotonicMs() + wait }
    return why
  }

  async #progressOf(revision: number): Promise<Progress> {
    if (this.#progress?.revision === revision) return this.#progress
    return readProgress(this.#options.settings.stateDirectory, revision)
  }

  /** Written where it changed. A disk that is full keeps nobody from converging: the journal knows as well. */
  async #keepProgress(before: Progress, after: Progress): Promise<void> {
    const changed =
      this.#progress === null ||
      before.reachedAt !== after.reachedAt ||
      before.pending?.since !== after.pending?.since ||
      before.pending?.code !== after.pending?.code
    this.#progress = after
    if (!changed) return
    const { settings, logger } = this.#options
    await writeProgress(settings.stateDirectory, after).catch((error: unknown) =>
      logger.warn({ err: error }, 'the progress of the desired state could not be kept')
    )
  }

  #now = () => this.#options.clock.now().at
}
