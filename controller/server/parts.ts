import type { FastifyRequest } from 'fastify'
import type { Collector } from '../collector/collector.ts'
import type { Keeper } from '../collector/keeper.ts'
import type { ControllerStore } from '../store/controller-store.ts'
import type { Author } from '../store/store.ts'
import { callerOf } from './caller.ts'
import type { Driver } from './driver.ts'
import type { EventFeed } from './event-feed.ts'
import type { LiveFleet } from './live-fleet.ts'
import type { OpenStreams } from './open-streams.ts'

/** What the routes of the controller answer from. */
export interface ControllerParts {
  readonly store: ControllerStore
  readonly fleet: LiveFleet
  readonly keeper: Pick<Keeper, 'summaries' | 'verdicts' | 'stateOf'>
  readonly collector: Pick<Collector, 'lend'>
  readonly driver: Pick<Driver, 'state'>
  readonly feed: EventFeed
  readonly openStreams: OpenStreams
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Who asks, when and why, for the records and the audit. */
export function authorOf(request: FastifyRequest, now: () => number, why: string | undefined): Author {
  const by = callerOf(request)
  return { at: new Date(now()).toISOString(), who: by.name, why: why ?? null, by }
}
