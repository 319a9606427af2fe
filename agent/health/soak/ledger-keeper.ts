import { describeError } from '../../../shared/errors.ts'
import type { Logger } from '../../../shared/server/log.ts'
import type { LedgerState } from './fold.ts'
import { applyEvent, foldLedger } from './fold.ts'
import type { LedgerFiles } from './ledger.ts'
import type { Begun, Happening, LedgerEvent } from './ledger-event.ts'
import type { Live } from './soak-clock.ts'

/** Events that wait at most, while the disk does not take them. */
const MAX_WAITING = 2000

interface Waiting {
  readonly soak: string
  readonly event: LedgerEvent
}

/** The state of the soak that runs, in memory, and the way of its events to the disk. */
export class LedgerKeeper {
  readonly #files: LedgerFiles
  readonly #logger: Pick<Logger, 'warn' | 'info'>
  #state: LedgerState | null = null
  #waiting: Waiting[] = []
  #writing: Promise<void> = Promise.resolve()
  #failed = false
  #lost = 0

  constructor(files: LedgerFiles, logger: Pick<Logger, 'warn' | 'info'>) {
    this.#files = files
    this.#logger = logger
  }

  get state(): LedgerState | null {
    return this.#state
  }

  /** Events that were given up, since the disk did not take them for too long. */
  get lost(): number {
    return this.#lost
  }

  /** Takes up what stands in the files. */
  take(state: LedgerState): void {
    this.#state = state
  }

  /** The clock of the running soak goes on. */
  move(live: Live): void {
    if (this.#state !== null) this.#state = { ...this.#state, ...live }
  }

  begin(begun: Begun, live: Live): void {
    const event: LedgerEvent = { ...live, what: begun }
    this.#state = foldLedger([event])
    this.#wait(begun.soak, event)
  }

  /** Counts at once; on the disk as soon as that takes it. */
  note(what: Happening): void {
    if (this.#state === null) return
    const { sign, count, begun } = this.#state
    const event: LedgerEvent = { sign, count, what }
    this.#state = applyEvent(this.#state, event)
    this.#wait(begun.soak, event)
  }

  /** Writes what waits; resolves in any case. */
  async write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#attempt())
    await this.#writing
  }

  #wait(soak: string, event: LedgerEvent): void {
    this.#waiting.push({ soak, event })
    if (this.#waiting.length <= MAX_WAITING) return
    this.#waiting.shift()
    this.#lost += 1
  }

  async #attempt(): Promise<void> {
    try {
      for (;;) {
        const [next, ...more] = this.#waiting
        if (next === undefined) break
        // Only a state that holds nothing but what is written can stand for the file.
        await this.#files.append(next.soak, next.event, more.length === 0 ? this.#state : null)
        this.#waiting = this.#waiting.filter((each) => each !== next)
      }
      if (this.#failed) this.#logger.info('the soak ledger is written again')
      this.#failed = false
    } catch (error) {
      if (!this.#failed)
        this.#logger.warn({ err: describeError(error) }, 'the soak ledger is not written; its events wait')
      this.#failed = true
    }
  }
}
