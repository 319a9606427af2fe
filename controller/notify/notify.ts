import { describeError } from '../../shared/errors.ts'
import type { Clock } from '../deploy/clock.ts'
import type { Delivery, Message } from './message.ts'
import { printable } from './message.ts'
import type { Sink } from './sinks.ts'

/** Waits between the attempts, in milliseconds: a receiver that restarts is back within them. */
const WAITS = [1000, 5000, 25_000] as const
/** Milliseconds of the window in which messages are counted. */
const HOUR = 3_600_000

/** Brings messages to sinks. Keep one: it remembers how many each sink had. */
export interface Notifier {
  /** Names of the sinks. */
  readonly names: readonly string[]
  /**
   * Brings one message to the sinks named, at the same time, and says how each took it. Rejects only when the signal
   * is aborted. It takes at most four attempts and the waits between them: nobody who has other work awaits it.
   */
  deliver(message: Message, to: readonly string[], signal: AbortSignal): Promise<Delivery[]>
}

/** A notifier over these sinks. */
export function notifier(sinks: readonly Sink[], clock: Clock): Notifier {
  const rates = new Map(sinks.map(({ name, perHour }) => [name, rateLimit(perHour)]))
  const deliverTo = async (message: Message, name: string, signal: AbortSignal): Promise<Delivery> => {
    const sink = sinks.find((each) => each.name === name)
    const rate = rates.get(name)
    if (sink === undefined || rate === undefined) {
      return { sink: name, ok: false, attempts: 0, error: 'there is no such sink' }
    }
    const kept = rate(clock.now())
    if (kept === null) {
      const error = `it had its ${sink.perHour} messages of this hour; the next one says how many were dropped`
      return { sink: name, ok: false, attempts: 0, error }
    }
    return await attempts(withDropped(message, kept), sink, clock, signal)
  }
  return {
    names: sinks.map(({ name }) => name),
    deliver: (message, to, signal) => {
      const clean = { ...message, title: printable(message.title), text: printable(message.text) }
      return Promise.all(to.map((name) => deliverTo(clean, name, signal)))
    }
  }
}

async function attempts(message: Message, sink: Sink, clock: Clock, signal: AbortSignal): Promise<Delivery> {
  for (let count = 1; ; count++) {
    const attempt = await once(message, sink, clock, signal)
    signal.throwIfAborted()
    if (attempt.ok) return { sink: sink.name, ok: true, attempts: count, error: null }
    const wait = WAITS[count - 1]
    if (!attempt.again || wait === undefined) {
      return { sink: sink.name, ok: false, attempts: count, error: printable(attempt.error) }
    }
    // Between all and one and a half: many who lost the same receiver do not come back together.
    await clock.sleep(attempt.waitMs ?? wait * (1 + clock.random() / 2), signal)
  }
}

async function once(message: Message, { open }: Sink, clock: Clock, signal: AbortSignal) {
  try {
    const send = await open()
    return await send(message, clock.now(), signal)
  } catch (error) {
    // A secret that cannot be read now may be there in a moment: it may just be changed.
    return { ok: false, again: true, error: describeError(error) } as const
  }
}

/** Counts messages of the last hour. Gives how many were dropped since the last one, or null when this one is. */
function rateLimit(perHour: number): (now: number) => number | null {
  let sent: number[] = []
  let dropped = 0
  return (now) => {
    sent = sent.filter((at) => at > now - HOUR && at <= now)
    if (sent.length >= perHour) {
      dropped++
      return null
    }
    sent.push(now)
    const before = dropped
    dropped = 0
    return before
  }
}

function withDropped(message: Message, dropped: number): Message {
  if (dropped === 0) return message
  return { ...message, text: `${message.text}\n\n(${dropped} messages before this one were dropped.)` }
}
