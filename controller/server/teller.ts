import type { Rate } from '../../shared/buckets.ts'
import { Buckets } from '../../shared/buckets.ts'
import { describeError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/server/log.ts'
import type { Run } from '../build/run.ts'
import type { Clock } from '../deploy/clock.ts'
import type { Notifier } from '../notify/notify.ts'
import { notifier } from '../notify/notify.ts'
import type { Notify } from '../notify/schema.ts'
import { sinksOf } from '../notify/sinks.ts'
import type { ControllerStore } from '../store/controller-store.ts'
import type { ControllerMetrics } from './metrics.ts'
import type { Occasion } from './occasions.ts'

/** What telling people needs. */
export interface TellerParts {
  readonly store: Pick<ControllerStore, 'recall' | 'remember'>
  readonly notify: () => Notify
  /** Where the fleet file is: relative names of secrets count from there. */
  readonly directory: string
  readonly run: Run
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly logger: Pick<Logger, 'warn'>
  readonly metrics: Pick<ControllerMetrics, 'notified'>
}

/** Occasions that are remembered as told. */
const MAX_TOLD = 500
/** Messages that are on their way at the same time; what is more is dropped. */
const MAX_WAITING = 50
/** Messages about one host: so that one which never stops leaves those of others their place in the hour. */
const aboutOne: Rate = { perSecond: 5 / 3600, burst: 5 }

/** Tells people of occasions, each once, also across restarts. Never throws and never waits. */
export function teller(parts: TellerParts) {
  const { store, signal, logger, metrics } = parts
  const told = new Set<string>(JSON.parse(store.recall('told') ?? '[]') as string[])
  let made: { readonly of: string; readonly notifier: Notifier } | null = null
  const rate = new Buckets(aboutOne, parts.clock.now)
  let waiting = 0
  const current = (notify: Notify): Notifier => {
    const of = JSON.stringify(notify)
    if (made?.of !== of)
      made = { of, notifier: notifier(sinksOf(notify, parts.directory, parts.run), parts.clock) }
    return made.notifier
  }
  const deliver = async ({ key, message }: Occasion, notify: Notify) => {
    const to = notify.rollouts ?? []
    for (const { sink, ok, attempts, error } of await current(notify).deliver(
      { id: key, ...message },
      to,
      signal
    )) {
      metrics.notified(ok ? 'delivered' : attempts === 0 ? 'dropped' : 'failed')
      if (!ok) logger.warn({ sink, message: key, error }, 'a message was not delivered')
    }
  }
  return (occasion: Occasion): void => {
    const notify = parts.notify()
    if (told.has(occasion.key) || (notify.rollouts ?? []).length === 0) return
    if (waiting >= MAX_WAITING || rate.take(occasion.of) > 0) {
      metrics.notified('dropped')
      return
    }
    told.add(occasion.key)
    for (const key of told) if (told.size > MAX_TOLD) told.delete(key)
    waiting += 1
    void Promise.resolve()
      .then(() => store.remember('told', JSON.stringify([...told])))
      .then(() => deliver(occasion, notify))
      .catch((error: unknown) => {
        if (!signal.aborted)
          logger.warn({ message: occasion.key, error: describeError(error) }, 'nobody was told')
      })
      .finally(() => {
        waiting -= 1
      })
  }
}
