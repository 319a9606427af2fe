import { join } from 'node:path'
import type { Sample } from '../../../shared/api/checks.ts'
import { runCommand } from '../../../shared/command.ts'
import { BelayError, describeError } from '../../../shared/errors.ts'
import type { Logger } from '../../../shared/server/log.ts'
import type { Settings } from '../../config/settings.ts'
import { agentCommand } from '../../platform/agent-command.ts'
import { bounded } from '../sample.ts'
import type { Done, Query, Work } from './job.ts'

/** Samples wait for so long, so that the disk of a laptop may rest in between. */
const FLUSH_MS = 5 * 60_000
/** Samples are written when so many wait. */
const FLUSH_SAMPLES = 1000
/** Samples that wait at most, while the disk does not take them; then the oldest are dropped. */
const MAX_WAITING = 5000
/** Requests that wait at most: each starts a process. */
const MAX_REQUESTS = 4
/** A process that takes longer has a disk that does not answer. */
const TIME_LIMIT_MS = 60_000
/** After a failure the next attempt waits this long, twice as long after each further one, at most an hour. */
const RETRY_MS = 60_000
const TEND_MS = 24 * 3_600_000
/** The greatest answer: the evidence of a soak of weeks with many checks. */
const MAX_ANSWER = 32 * 1024 * 1024

/** Does work on the file; in a process of its own, but for tests. */
export type Worker = (work: Work) => Promise<Done>

/** What there is to know of the history itself. */
export interface HistoryState {
  readonly bytes: number
  readonly waiting: number
  readonly dropped: number
  /** How often it could not be read and was begun anew, since the agent started. */
  readonly begunAnew: number
  /** Where the last of those went. */
  readonly aside: string | null
  readonly writable: boolean
}

/** Where the history is. */
export const historyFile = ({ stateDirectory }: Settings) => join(stateDirectory, 'history.sqlite')

/**
 * The samples of all checks. They are gathered in memory and written by a short-lived process, so that neither a slow
 * disk nor SQLite ever holds up the agent, and nothing of SQLite stays in its memory.
 */
export class History {
  readonly #settings: Settings
  readonly #logger: Pick<Logger, 'warn' | 'info'>
  readonly #worker: Worker
  readonly #monotonicMs: () => number
  #waiting: Sample[] = []
  #oldestMs: number | null = null
  #last: Promise<unknown> = Promise.resolve()
  #requests = 0
  #tended: number | null = null
  #failures = 0
  #retryMs = 0
  #state = { bytes: 0, dropped: 0, begunAnew: 0, aside: null as string | null, writable: true }

  constructor(options: {
    readonly settings: Settings
    readonly logger: Pick<Logger, 'warn' | 'info'>
    readonly monotonicMs: () => number
    readonly worker?: Worker
  }) {
    this.#settings = options.settings
    this.#logger = options.logger
    this.#monotonicMs = options.monotonicMs
    this.#worker = options.worker ?? inProcess
  }

  get state(): HistoryState {
    return { ...this.#state, waiting: this.#waiting.length }
  }

  /** Takes a sample; never waits, never throws. */
  add(sample: Sample): void {
    this.#waiting.push(bounded(sample))
    this.#oldestMs ??= this.#monotonicMs()
    const over = this.#waiting.length - MAX_WAITING
    if (over <= 0) return
    this.#waiting.splice(0, over)
    this.#state.dropped += over
  }

  /** Writes when it is time to; called often. */
  tick(): void {
    const now = this.#monotonicMs()
    if (this.#requests > 0 || now < this.#retryMs) return
    const due = this.#oldestMs !== null && now - this.#oldestMs >= FLUSH_MS
    const tend = this.#tended === null || now - this.#tended >= TEND_MS
    if (due || tend || this.#waiting.length >= FLUSH_SAMPLES) void this.#run(null).catch(() => {})
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    if (this.#waiting.length > 0) await this.#run(null)
  }

  /** Answers a question; what waits is written before, so that the answer is not behind. */
  async ask(query: Query): Promise<Done> {
    if (this.#requests >= MAX_REQUESTS)
      throw new BelayError('too-many-streams', 'the history is asked too often; ask again in a second')
    return this.#run(query)
  }

  /** One process at a time. */
  #run(query: Query | null): Promise<Done> {
    this.#requests += 1
    const next = this.#last
      .then(() => this.#work(query))
      .finally(() => {
        this.#requests -= 1
      })
    this.#last = next.catch(() => {})
    return next
  }

  async #work(query: Query | null): Promise<Done> {
    const now = this.#monotonicMs()
    const write = this.#waiting.slice(0, MAX_WAITING)
    const first = this.#tended === null
    const tend = first || now - (this.#tended ?? 0) >= TEND_MS
    try {
      const { days, maxBytes } = this.#settings.history
      const done = await this.#worker({
        ...{ file: historyFile(this.#settings), retention: { days, maxBytes } },
        ...{ verify: first, write, tend, query }
      })
      if (tend) this.#tended = now
      this.#written(write, done)
      return done
    } catch (error) {
      this.#failed(error)
      throw error
    }
  }

  #written(write: readonly Sample[], { aside, bytes }: Done): void {
    const written = new Set(write)
    this.#waiting = this.#waiting.filter((sample) => !written.has(sample))
    this.#oldestMs = this.#waiting.length === 0 ? null : this.#monotonicMs()
    if (!this.#state.writable) this.#logger.info('the history is written again')
    this.#failures = 0
    this.#retryMs = 0
    Object.assign(this.#state, { bytes, writable: true })
    if (aside === null) return
    Object.assign(this.#state, { aside, begunAnew: this.#state.begunAnew + 1 })
    this.#logger.warn({ aside }, 'the history could not be read: it was moved aside and begins empty')
  }

  #failed(error: unknown): void {
    this.#failures += 1
    this.#retryMs = this.#monotonicMs() + Math.min(RETRY_MS * 2 ** (this.#failures - 1), 60 * RETRY_MS)
    if (this.#state.writable)
      this.#logger.warn({ err: describeError(error) }, 'the history is not written; its samples wait')
    this.#state.writable = false
  }
}

/** By the hidden command `history-job` of this agent. */
async function inProcess(work: Work): Promise<Done> {
  const { code, stdout, stderr, timedOut } = await runCommand([...agentCommand(), 'history-job'], {
    ...{ timeoutMs: TIME_LIMIT_MS, input: JSON.stringify(work), maxOutput: MAX_ANSWER }
  })
  if (code === 0) return JSON.parse(stdout) as Done
  const why = timedOut ? 'it took too long' : stderr.trim().split('\n').slice(-3).join('\n')
  throw new BelayError('command-failed', `the history cannot be used: ${why}`, { found: code, wanted: 0 })
}
