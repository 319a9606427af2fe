import { isOfSystem } from '../../../shared/api/profile.ts'
import { BelayError } from '../../../shared/errors.ts'
import { isTerminal } from '../../../shared/operation/phase.ts'
import type { Logger } from '../../../shared/server/log.ts'
import type { Settings } from '../../config/settings.ts'
import type { Baseline as OperationBaseline } from '../../operation/events.ts'
import type { Operations } from '../../operation/operations.ts'
import type { OperationState } from '../../operation/state.ts'
import { watchOperation } from '../../operation/watch.ts'
import type { Host } from '../../platform/platform.ts'
import type { History } from '../history/history.ts'
import type { CheckDefinition } from '../sample.ts'
import { BASELINE_DAYS, baselineFor, keepBaseline, readBaselines } from './baselines.ts'
import type { Failing } from './failing.ts'
import { soakIdentity } from './ledger.ts'
import type { Baseline } from './ledger-event.ts'
import type { LedgerKeeper } from './ledger-keeper.ts'
import type { Witness } from './witness.ts'

export interface TakerOptions {
  readonly settings: Settings
  readonly logger: Pick<Logger, 'warn' | 'info'>
  readonly host: Pick<Host, 'observe'>
  readonly operations: Pick<Operations, 'root'>
  readonly witness: Witness
  readonly history: History
  /** What is known at the moment. */
  readonly soak: {
    readonly keeper: LedgerKeeper
    readonly failing: Failing
    readonly checks: ReadonlyMap<string, CheckDefinition>
    tick(): Promise<void>
  }
}

const DAY_MS = 24 * 3_600_000
/** For so long an operation is listened to: it asks its journal every second. The regular tick sees the rest. */
const FOLLOW_MS = 3_600_000

/** Records the host as it is before a generation takes over: when an operation passes preflight, and when asked to. */
export class BaselineTaker {
  readonly #options: TakerOptions
  readonly #followed = new Set<string>()
  readonly #stopped = new AbortController()
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: TakerOptions) {
    this.#options = options
  }

  /** Listens no more: an agent that is restarted by an operation must not wait for its end. */
  stop(): void {
    this.#stopped.abort()
  }

  all(): Promise<readonly Baseline[]> {
    return readBaselines(this.#options.settings.stateDirectory)
  }

  /** The baseline of an operation, or else the newest of a system; one that is just being taken is waited for. */
  async of(operation: OperationState | null, storePath: string | null): Promise<Baseline | null> {
    await this.#last
    return baselineFor(await this.all(), operation?.accepted.id ?? null, storePath)
  }

  /** Listens to operations on their way, each once: for the moment before it changes anything, and for its end. */
  follow(operations: readonly OperationState[]): void {
    for (const { accepted, phase, baseline } of operations) {
      if (isTerminal(phase) || !isOfSystem(accepted) || this.#followed.has(accepted.id)) continue
      this.#followed.add(accepted.id)
      // Where the agent was away at the moment that counts, what it sees now is another host.
      const inTime = baseline === null || phase === 'arming'
      void this.#listen(accepted.id, inTime).catch((error: unknown) =>
        this.#options.logger.warn({ err: error, operation: accepted.id }, 'no baseline was taken')
      )
    }
  }

  /** Takes one because somebody asked for it. */
  async take(takenBy: string): Promise<Baseline> {
    const { running } = await this.#options.host.observe()
    if (running === null)
      throw new BelayError('path-not-valid', 'no system runs here', { wanted: '/run/current-system' })
    const failedUnits = await this.#options.witness.failedUnits()
    return this.#take({ storePath: running, failedUnits, operation: null, takenBy })
  }

  async #listen(id: string, inTime: boolean): Promise<void> {
    const { operations, soak } = this.#options
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(FOLLOW_MS)])
    for await (const { event } of watchOperation(operations.root, id, signal))
      if (event.type === 'baseline' && inTime) await this.#take(ofOperation(id, event))
    if (!this.#stopped.signal.aborted) await soak.tick()
  }

  #take(what: Pick<Baseline, 'storePath' | 'failedUnits' | 'operation' | 'takenBy'>): Promise<Baseline> {
    // At once: in a moment the activation begins.
    const failing = this.#options.soak.failing.lastNames()
    const taken = this.#last.then(() => this.#complete(what, failing))
    this.#last = taken.catch(() => {})
    return taken
  }

  async #complete(
    what: Pick<Baseline, 'storePath' | 'failedUnits' | 'operation' | 'takenBy'>,
    failing: readonly string[]
  ): Promise<Baseline> {
    const { witness, settings, soak } = this.#options
    const { at } = witness.sign()
    const { state } = soak.keeper
    const earliest = Date.parse(at) - BASELINE_DAYS * DAY_MS
    const own = state !== null && state.begun.generation.storePath === what.storePath
    const from = own ? Math.max(earliest, Date.parse(state.startedAt)) : earliest
    const baseline: Baseline = {
      ...what,
      id: soakIdentity(at, (await this.all()).at(-1)?.id),
      takenAt: at,
      failing,
      from: new Date(from).toISOString(),
      to: at,
      hours: await this.#hours({ from, to: Date.parse(at) }),
      bootSeconds: await witness.bootSeconds().catch(() => null),
      activationSeconds: own ? state.begun.activationSeconds : null
    }
    await keepBaseline(settings.stateDirectory, baseline)
    return baseline
  }

  /** Hours in which any check has samples. Without a history: none. */
  async #hours(interval: { readonly from: number; readonly to: number }): Promise<number> {
    const { history, soak } = this.#options
    const query = { type: 'soak', checks: [...soak.checks.keys()], baseline: null, soak: interval } as const
    if (query.checks.length === 0) return 0
    const found = await history.ask(query).then(
      (done) => done.soak,
      () => ({})
    )
    return new Set(Object.values(found).flatMap((check) => check.soak.map(({ hour }) => hour))).size
  }
}

const ofOperation = (operation: string, { generation, failedUnits }: OperationBaseline) => ({
  ...{ storePath: generation.storePath, failedUnits, operation, takenBy: `operation ${operation}` }
})
