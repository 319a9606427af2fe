import { describeError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/server/log.ts'
import type { Clock } from '../deploy/clock.ts'
import type { Decision } from '../rollout/decide.ts'
import { untilNews, wasEnded, windUp } from '../rollout/drive.ts'
import type { Engine } from '../rollout/engine.ts'
import type { Store } from '../store/store.ts'

/** What driving every rollout that comes needs. */
export interface DriverParts {
  /** The engine's own connection to the store: what others write there, it notices. */
  readonly store: Store
  readonly engineOf: (rollout: string) => Engine
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly pollMs: number
  readonly logger: Pick<Logger, 'info' | 'error'>
  readonly onRound: (rollout: string, decision: Decision) => void
}

/** What the driver is at. */
export interface DriverState {
  readonly rollout: string | null
  /** Why nothing is decided at this moment: a store that cannot be written, a fleet file that cannot be read. */
  readonly problem: string | null
  /** When it last came through a round, milliseconds since 1970. */
  readonly roundAt: number | null
}

/** First and longest wait after a round that failed, in milliseconds. */
const FIRST_BACK_OFF = 1000
const LONGEST_BACK_OFF = 60_000
/** Milliseconds between two looks whether there is a rollout. */
const LISTEN = 500

/** Drives whatever rollout is under way, one after the other, until the signal. Survives rounds that fail. */
export class Driver {
  readonly #parts: DriverParts
  #state: DriverState = { rollout: null, problem: null, roundAt: null }

  constructor(parts: DriverParts) {
    this.#parts = parts
  }

  get state(): DriverState {
    return this.#state
  }

  /** Resolves when the signal says so and what was under way here has ended. */
  async run(): Promise<void> {
    const { clock, signal, logger } = this.#parts
    let failures = 0
    while (!signal.aborted) {
      try {
        await this.#next(() => {
          failures = 0
        })
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        this.#state = { ...this.#state, problem: describeError(error) }
        logger.error({ err: error, rollout: this.#state.rollout }, 'the rollout cannot be driven')
        const wait = Math.min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** Math.min(failures - 1, 16))
        await clock.sleep(wait, signal).catch(() => {})
      }
    }
  }

  /** Drives the rollout under way to its end, or waits for one. */
  async #next(came: () => void): Promise<void> {
    const { store, clock, signal, logger } = this.#parts
    const rollout = store.active()
    if (rollout === null) {
      this.#state = { ...this.#state, rollout: null, problem: null }
      return await clock.sleep(LISTEN, signal)
    }
    this.#state = { ...this.#state, rollout }
    logger.info({ rollout }, 'driving')
    const engine = this.#parts.engineOf(rollout)
    try {
      await this.#drive(rollout, engine, came)
    } finally {
      await engine.settle()
    }
    logger.info({ rollout }, 'it has ended')
  }

  async #drive(rollout: string, engine: Engine, came: () => void): Promise<void> {
    const { clock, signal, onRound } = this.#parts
    for (;;) {
      signal.throwIfAborted()
      const decision = await engine.round()
      came()
      this.#state = { rollout, problem: null, roundAt: clock.now() }
      onRound(rollout, decision)
      if (wasEnded(decision)) return void (await windUp(engine))
      if (decision.status.is === 'done') return
      if (decision.learned.length === 0) await untilNews({ ...this.#parts, engine }, decision)
    }
  }
}
