import { setTimeout as delay } from 'node:timers/promises'
import type { Sample } from '../../../shared/api/checks.ts'
import { describeError } from '../../../shared/errors.ts'
import type { Logger } from '../../../shared/server/log.ts'
import { VERSION } from '../../../shared/version.ts'
import type { Settings } from '../../config/settings.ts'
import { noticeChanges } from '../../journal/notice.ts'
import type { Operations } from '../../operation/operations.ts'
import type { Host } from '../../platform/platform.ts'
import type { Worker } from '../history/history.ts'
import { History } from '../history/history.ts'
import type { CheckDefinition } from '../sample.ts'
import { BaselineTaker } from './baseline-taker.ts'
import { commitOf } from './commit.ts'
import { Failing } from './failing.ts'
import type { LedgerState } from './fold.ts'
import { beat, lastBeat, laterOf } from './heartbeat.ts'
import { LedgerFiles, soakIdentity } from './ledger.ts'
import type { Happening } from './ledger-event.ts'
import { LedgerKeeper } from './ledger-keeper.ts'
import type { Move, Seen } from './moves.ts'
import { nextMove } from './moves.ts'
import { judgeReboot } from './reboot.ts'
import { isAvailable, judgeChecks, noteFinding } from './rules.ts'
import type { Live, Sign } from './soak-clock.ts'
import { advance, noCount, resume, sleptMs } from './soak-clock.ts'
import type { Witness } from './witness.ts'

/** The heartbeat is written so often, and the count to the ledger: milliseconds of the host being on. */
const BEAT_MS = 60_000
const COUNT_MS = 24 * 3_600_000
/** Sleeps that are shorter are not listed. */
const LISTED_SLEEP_MS = 60_000
/** A disk that does not answer does not keep the agent from ending. */
const STOP_MS = 5000

export interface SoakOptions {
  readonly settings: Settings
  readonly logger: Pick<Logger, 'warn' | 'info'>
  readonly host: Pick<Host, 'observe'>
  readonly operations: Pick<Operations, 'all' | 'root'>
  readonly witness: Witness
  readonly worker?: Worker
}

/** What is measured of the generation that runs, since it runs: samples, clock, and all that happened. */
export class Soak {
  readonly history: History
  readonly ledgers: LedgerFiles
  readonly keeper: LedgerKeeper
  readonly baselines: BaselineTaker
  readonly checks = new Map<string, CheckDefinition>()
  readonly failing = new Failing()
  readonly #options: SoakOptions
  #received = 0
  #beatMs = 0
  #countedMs = 0
  #busy: Promise<void> = Promise.resolve()
  #started = false

  constructor(options: SoakOptions) {
    const { settings, logger, witness, worker } = options
    this.#options = options
    const monotonicMs = () => witness.sign().monotonicMs
    this.history = new History({ settings, logger, monotonicMs, ...(worker ? { worker } : {}) })
    const now = () => witness.sign()
    this.ledgers = new LedgerFiles(settings.stateDirectory, now)
    this.keeper = new LedgerKeeper(this.ledgers, logger)
    this.baselines = new BaselineTaker({ ...options, history: this.history, soak: this })
  }

  /** Names the checks that there are from now on, and those that failed when they last ran. */
  setChecks(checks: readonly CheckDefinition[], failed: readonly string[] = []): void {
    this.#advance()
    this.failing.recall(failed)
    this.checks.clear()
    for (const check of checks) this.checks.set(check.name, check)
    this.failing.keep(new Set(this.checks.keys()))
  }

  /** Takes the result of a check; never waits, never throws. */
  record(sample: Sample): void {
    const { monotonicMs } = this.#advance()
    if (this.failing.take(sample, this.checks.get(sample.check), monotonicMs)) this.#received += 1
    this.history.add(sample)
    this.#judge()
  }

  /** Notes something in the ledger of the running soak; durable when it returns, or as soon as the disk takes it. */
  async note(...happenings: readonly Happening[]): Promise<void> {
    this.#advance()
    for (const what of happenings) this.keeper.note(what)
    await this.keeper.write()
  }

  /** The clocks as they are. */
  sign(): Sign {
    return this.#options.witness.sign()
  }

  /** The running soak as it is at this moment. */
  now(): LedgerState {
    this.#advance()
    if (this.keeper.state === null) throw new Error('no soak has begun')
    return this.keeper.state
  }

  /** Brings ledger and clock up to date; called every minute or more often. Resolves in any case. */
  tick(): Promise<void> {
    this.#busy = this.#busy.then(() =>
      this.#tick().catch((error: unknown) =>
        this.#options.logger.warn({ err: describeError(error) }, 'the soak could not be followed')
      )
    )
    return this.#busy
  }

  /** Follows the operations from now on. What is returned says the last word before the agent ends, in bounded time. */
  follow(): () => Promise<void> {
    const root = this.#options.operations.root
    const unwatch = noticeChanges(root, () => void this.tick())
    void this.tick()
    return async () => {
      unwatch()
      this.baselines.stop()
      await Promise.race([this.#stop(), delay(STOP_MS, undefined, { ref: false })])
    }
  }

  async #stop(): Promise<void> {
    await this.tick()
    await this.note({ type: 'stopped' })
    await this.history.flush().catch(() => {})
  }

  async #tick(): Promise<void> {
    await this.#options.witness.refresh?.()
    if (!this.#started) await this.#start()
    this.#started = true
    await this.#follow()
    const now = this.#advance()
    this.#judge()
    await this.#beat(now.monotonicMs)
    await this.keeper.write()
    this.history.tick()
  }

  /** The agent has started: after a reboot, or by itself. What was before is in the ledger and in the heartbeat. */
  async #start(): Promise<void> {
    const { witness, settings } = this.#options
    await this.ledgers.tend()
    const newest = await this.ledgers.find(() => true)
    if (newest === null) return
    this.keeper.take(newest)
    // A generation may have been committed while the agent was away: its clock runs since then.
    const beaten = laterOf(newest, await lastBeat(settings.stateDirectory, newest.begun.soak))
    await this.#follow(beaten)
    const state = this.keeper.state ?? newest
    const last: Live = state.begun.soak === newest.begun.soak ? beaten : state
    const now = witness.sign()
    const sameBoot = last.sign.bootId === now.bootId
    const boot = sameBoot ? null : await witness.bootBefore(last.sign.bootId)
    const { live, gaps } = resume(last, now, { upMs: witness.upMs(now), lastOnAt: boot?.lastAt ?? null })
    const expecting = (await this.#announced(last.sign)) ?? state.expecting
    const judged = boot && judgeReboot(boot, expecting, Date.parse(boot.lastAt ?? last.sign.at))
    this.keeper.move(live)
    const reboot = judged && { at: now.at, bootId: now.bootId, ...judged }
    this.keeper.note({ type: 'started', version: VERSION, reboot, gaps })
    if (judged && !judged.expected) this.#find('reboot', 'major', `unexpected reboot: ${judged.cause}`)
  }

  /** The word of an operation that has rebooted the host out of a boot: a trial boot, or the way back from one. */
  async #announced({ bootId, at }: Sign): Promise<LedgerState['expecting']> {
    const all = await this.#options.operations.all()
    const by = all.findLast(({ rebooted }) => rebooted?.bootId === bootId)
    return by?.rebooted ? { at, by: `operation ${by.accepted.id}`, reason: by.rebooted.reason } : null
  }

  /** Begins the soaks that have to begin: after operations, and after what was done past the agent. */
  async #follow(last?: Live): Promise<void> {
    const { operations, host } = this.#options
    const known = (await operations.all()).at(-1)?.accepted.id
    const seen = await host.observe()
    const all = await operations.all()
    // One that was admitted meanwhile may have changed what runs.
    if (all.at(-1)?.accepted.id !== known) return
    const profile = seen.storePath === null ? null : { number: seen.number, storePath: seen.storePath }
    const what: Seen = { operations: all, running: seen.running, profile }
    let left = last
    for (let move = nextMove(this.keeper.state, what); move; move = nextMove(this.keeper.state, what)) {
      await this.#begin(move, left)
      left = undefined
    }
    this.baselines.follow(all)
  }

  async #begin({ cause, generation, operation, upTo }: Move, last?: Live): Promise<void> {
    const left = this.keeper.state
    const now = this.#options.witness.sign()
    if (last) this.keeper.move(last)
    else this.#advance()
    if (left !== null)
      this.#leave(cause, generation.storePath, operation?.accepted.id ?? null, operation?.reason ?? null)
    const commit =
      operation === null
        ? null
        : await commitOf(
            this.#options.operations.root,
            operation.accepted.id,
            now,
            this.#options.witness.journalClock
          )
    const sign = commit?.sign ?? now
    const baselinePath = operation?.baseline?.generation.storePath ?? left?.begun.generation.storePath ?? null
    const baseline = await this.baselines.of(cause === 'committed' ? operation : null, baselinePath)
    const soak = soakIdentity(sign.at, [...(await this.ledgers.list()), left?.begun.soak ?? ''].sort().at(-1))
    const count = { ...noCount, perHour: this.#perHour() }
    this.keeper.begin(
      {
        ...{ type: 'begun', soak, generation, cause, operation: upTo, baselinePath, baseline },
        activationSeconds: commit?.activationSeconds ?? null
      },
      { sign, count }
    )
    this.#received = 0
    // The word was about the next reboot, whatever runs by then.
    if (left?.expecting && left.sign.bootId === sign.bootId)
      this.keeper.note({ type: 'reboot-expected', ...left.expecting })
    await this.keeper.write()
    this.#options.logger.info({ storePath: generation.storePath, cause }, 'a soak has begun')
  }

  #leave(cause: Move['cause'], to: string, operation: string | null, reason: string | null): void {
    if (cause === 'rolled-back' && operation !== null) {
      this.keeper.note({ type: 'rolled-back', operation, reason: reason ?? '' })
      this.#find('rollback', 'critical', `rolled back: ${reason ?? 'no reason was given'}`)
    }
    if (cause === 'switched') this.keeper.note({ type: 'switched', to })
    this.keeper.note({ type: 'ended', to })
  }

  #find(rule: string, severity: 'critical' | 'major', description: string): void {
    const state = this.keeper.state as LedgerState
    const finding = { rule, severity, description, since: state.sign.at }
    const noted = noteFinding(state, finding, Date.parse(state.sign.at))
    if (noted !== null) this.keeper.note(noted)
  }

  /** Moves the clock to now, with the checks as they were until now. */
  #advance() {
    const now = this.#options.witness.sign()
    const { state } = this.keeper
    if (state === null || !this.#started || state.sign.bootId !== now.bootId) return now
    const live = advance(state, now, isAvailable(state, this.checks, this.failing))
    const count = { ...live.count, received: live.count.received + this.#received, perHour: this.#perHour() }
    this.#received = 0
    this.keeper.move({ sign: now, count })
    const slept = sleptMs(state.sign, now)
    if (slept >= LISTED_SLEEP_MS) {
      const from = new Date(Date.parse(now.at) - slept).toISOString()
      this.keeper.note({ type: 'slept', gap: { from, to: now.at, cause: 'asleep' } })
    }
    return now
  }

  #perHour(): number {
    return [...this.checks.values()].reduce((sum, { perHour }) => sum + perHour, 0)
  }

  #judge(): void {
    const { state } = this.keeper
    if (state === null || !this.#started) return
    const now = { monotonicMs: state.sign.monotonicMs, ms: Date.parse(state.sign.at) }
    for (const what of judgeChecks(state, this.checks.values(), this.failing, now)) this.keeper.note(what)
  }

  async #beat(nowMs: number): Promise<void> {
    const { state } = this.keeper
    if (state === null || (this.#beatMs !== 0 && nowMs - this.#beatMs < BEAT_MS)) return
    this.#beatMs = nowMs
    if (this.#countedMs === 0) this.#countedMs = nowMs
    if (nowMs - this.#countedMs >= COUNT_MS) {
      this.#countedMs = nowMs
      this.keeper.note({ type: 'counted' })
    }
    const { sign, count, begun } = state
    await beat(this.#options.settings.stateDirectory, { soak: begun.soak, sign, count })
  }
}
