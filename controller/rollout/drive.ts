import type { Clock } from '../deploy/clock.ts'
import type { Store } from '../store/store.ts'
import type { Decision } from './decide.ts'
import type { Engine } from './engine.ts'

/** How long and with whom a rollout is driven. */
export interface Drive {
  readonly engine: Engine
  readonly store: Store
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly pollMs: number
  /** Milliseconds to stay while nothing moves and only time or hosts can change that. */
  readonly patienceMs: number
  readonly onRound: (decision: Decision) => void
}

/** Milliseconds between two looks whether a person said something. */
const LISTEN = 500

/** Drives a rollout until it ends, until only a person can go on, or until patience is over. */
export async function drive(options: Drive): Promise<Decision> {
  const { engine, clock, signal } = options
  let idleSince: number | null = null
  for (;;) {
    signal.throwIfAborted()
    const decision = await engine.round()
    options.onRound(decision)
    if (decision.learned.length > 0) continue
    const busy = engine.active.size > 0 || engine.isBeginning()
    idleSince = busy ? null : (idleSince ?? clock.now())
    if (idleSince !== null && over(decision, clock.now() - idleSince, options.patienceMs))
      return wasEnded(decision) ? await windUp(engine) : decision
    await untilNews(options, decision)
  }
}

/** True when a person has ended it: hosts may still be under way. */
export const wasEnded = ({ status: { is } }: Decision) => is === 'aborted' || is === 'superseded'

/** Lets what is under way end, and records what became of it: the way back goes by that. */
export async function windUp(engine: Engine): Promise<Decision> {
  await engine.settle()
  return await engine.round()
}

function over({ status }: Decision, idleMs: number, patienceMs: number): boolean {
  if (status.needs === 'time' || status.needs === 'hosts') return idleMs >= patienceMs
  return status.is !== 'running' || idleMs >= patienceMs
}

/** Until work ends, a person says something, or time alone changes something. */
export async function untilNews(
  { engine, store, clock, signal, pollMs }: Pick<Drive, 'engine' | 'store' | 'clock' | 'signal' | 'pollMs'>,
  { wakeAt }: Pick<Decision, 'wakeAt'>
): Promise<void> {
  const now = clock.now()
  const until = Math.min(now + pollMs, wakeAt !== null && wakeAt > now ? wakeAt : Number.POSITIVE_INFINITY)
  const version = store.version()
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  try {
    let news = false
    const heard = engine.news().then(() => {
      news = true
    })
    // A clock that is set back ends the wait too.
    while (!news && clock.now() >= now && clock.now() < until && store.version() === version) {
      await Promise.race([heard, clock.sleep(Math.min(LISTEN, until - clock.now()), either)])
    }
  } finally {
    stop.abort()
  }
}
