import type { Clock } from '../deploy/clock.ts'
import type { ControllerStore, StoredEvent } from '../store/controller-store.ts'

/** Milliseconds between two looks whether something happened; commands write into the database by themselves. */
const LISTEN = 500
/** Events that are read at once. */
const PAGE = 200

/** A place in the stream of events; `epoch` tells this database from one that was lost. */
export interface EventPosition {
  readonly epoch: string
  readonly seq: number
}

/** What happens, from the store, for any number of readers. */
export interface EventFeed {
  /** What follows a position, and what comes, until the signal. A position of another database is the beginning. */
  follow(after: EventPosition | null, signal: AbortSignal): AsyncGenerator<StoredEvent>
  positionOf(event: StoredEvent): string
}

/** Reads events from the store. */
export function eventFeed(
  store: Pick<ControllerStore, 'events' | 'newestEvent' | 'epoch'>,
  clock: Pick<Clock, 'sleep'>
): EventFeed {
  return {
    positionOf: ({ seq }) => `${store.epoch}:${seq}`,
    async *follow(after, signal) {
      let last = after?.epoch === store.epoch ? Math.min(after.seq, store.newestEvent()) : 0
      while (!signal.aborted) {
        const page = store.events(last, PAGE)
        for (const event of page) {
          if (signal.aborted) return
          yield event
          last = event.seq
        }
        if (page.length < PAGE) await clock.sleep(LISTEN, signal).catch(() => {})
      }
    }
  }
}
