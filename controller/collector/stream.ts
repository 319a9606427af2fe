import { sseEvents } from '../../shared/agent-client/sse.ts'
import type { OperationEvent } from '../../shared/api/schemas.ts'
import type { Buckets, Rate } from '../../shared/buckets.ts'
import type { Clock } from '../deploy/clock.ts'
import { checkedEvent } from '../transport/answers.ts'
import type { Keeper } from './keeper.ts'

/** Least milliseconds between two looks, however much happens. */
const SHORTEST = 500
/** Characters of a message that are kept; the host has all of it. */
const LONGEST_MESSAGE = 4000
/** Events that are taken in of each host: many more than operations have, and no more than a disk can take for a month. */
export const eventRate: Rate = { perSecond: 1, burst: 1000 }

/** What following a host needs. */
export interface Following {
  readonly keeper: Keeper
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly pollMs: number
  readonly pace: Buckets
  readonly look: () => Promise<void>
}

/** Hears what happens on a host, and looks after each event and when it is time. Throws when the connection breaks. */
export async function follow(
  host: string,
  socketPath: string,
  { keeper, clock, signal, pollMs, pace, look }: Following
): Promise<void> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  let bell = Promise.withResolvers<void>()
  // Without a position all that the host keeps would come: what had ended by the first look is old.
  const old = keeper.positionOf(host) === null ? endedBefore(keeper, host) : ''
  const hear = async () => {
    const after = keeper.positionOf(host)
    const events = sseEvents<OperationEvent>({
      socketPath,
      path: '/v1/events',
      signal: either,
      check: checkedEvent,
      ...(after === null ? {} : { lastEventId: after })
    })
    for await (const event of events) {
      if (event.type !== 'operation') continue
      const { operation, seq, phase, message, at } = event
      if (operation > old) {
        // Who says more is read no faster: it waits for us, and nothing of it is kept meanwhile.
        for (let ms = pace.take(host); ms > 0; ms = pace.take(host)) await clock.sleep(ms, either)
        const said = message.slice(0, LONGEST_MESSAGE)
        keeper.heard(host, `${operation}:${seq}`, { operation, phase, message: said, at })
      }
      bell.resolve()
    }
  }
  const watch = async () => {
    for (;;) {
      const pause = new AbortController()
      const due = clock.sleep(pollMs * (0.75 + clock.random() / 2), AbortSignal.any([either, pause.signal]))
      await Promise.race([bell.promise, due]).finally(() => pause.abort())
      due.catch(() => {})
      await clock.sleep(SHORTEST, either)
      bell = Promise.withResolvers()
      await look()
    }
  }
  const both = [hear(), watch()]
  try {
    await Promise.race(both)
  } finally {
    stop.abort()
    await Promise.allSettled(both)
  }
}

function endedBefore(keeper: Keeper, host: string): string {
  const ended = keeper.stateOf(host)?.operations.find(({ terminal }) => terminal)
  return ended?.id ?? ''
}
