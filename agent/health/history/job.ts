import type { Sample } from '../../../shared/api/checks.ts'
import type { HourOfCheck } from '../../../shared/verdict/evidence.ts'
import { isDamaged, isFull, openDatabase, setAside } from './database.ts'
import type { Interval, SampleView } from './query.ts'
import { hoursOf, hoursWithin, samplesOf } from './query.ts'
import type { Retention } from './retain.ts'
import { retain, usedBytes } from './retain.ts'
import { writeSamples } from './write.ts'

/** Something to do with the history, in a process of its own: nothing of it ever holds the agent up. */
export interface Work {
  readonly file: string
  readonly retention: Retention
  /** Looks at every page first. */
  readonly verify: boolean
  readonly write: readonly Sample[]
  /** Removes what is too old or too much. */
  readonly tend: boolean
  readonly query: Query | null
}

export type Query =
  | {
      readonly type: 'samples' | 'hours'
      readonly check: string
      readonly interval: Interval
      readonly limit: number
    }
  | {
      readonly type: 'soak'
      readonly checks: readonly string[]
      readonly baseline: Interval | null
      readonly soak: Interval
    }

/** What a soak and its baseline left of each check. */
export type HoursByCheck = Readonly<Record<string, { baseline: HourOfCheck[]; soak: HourOfCheck[] }>>

export interface Done {
  /** Where a history went that could not be read; null as long as all is well. */
  readonly aside: string | null
  readonly bytes: number
  readonly samples: readonly SampleView[]
  readonly hours: readonly HourOfCheck[]
  readonly soak: HoursByCheck
}

/** Does the work. A damaged history is moved aside, and the work done on an empty one. */
export function doWork(work: Work, now: Date): Done {
  try {
    return attempt(work, now, null)
  } catch (error) {
    if (!isDamaged(error)) throw error
    return attempt(work, now, setAside(work.file, now))
  }
}

function attempt(work: Work, now: Date, aside: string | null): Done {
  const db = openDatabase(work.file, work.retention.maxBytes, work.verify && aside === null)
  try {
    write(db, work, now)
    if (work.tend) retain(db, work.retention, now.getTime())
    const { query } = work
    return {
      aside,
      bytes: usedBytes(db),
      samples: query?.type === 'samples' ? samplesOf(db, query.check, query.interval, query.limit) : [],
      hours: query?.type === 'hours' ? hoursOf(db, query.check, query.interval, query.limit) : [],
      soak: query?.type === 'soak' ? soakOf(db, query) : {}
    }
  } finally {
    db.close()
  }
}

function write(db: ReturnType<typeof openDatabase>, { write, retention }: Work, now: Date): void {
  if (write.length === 0) return
  // The bound may be reached before the daily tending; a disk that is full of other things is not helped by removing ours.
  for (const share of [0.8, 0.5, 0.2]) {
    try {
      writeSamples(db, write)
      return
    } catch (error) {
      if (!isFull(error) || usedBytes(db) < retention.maxBytes * share) throw error
      retain(db, { ...retention, maxBytes: retention.maxBytes * share }, now.getTime())
    }
  }
  writeSamples(db, write)
}

function soakOf(
  db: ReturnType<typeof openDatabase>,
  { checks, baseline, soak }: Extract<Query, { type: 'soak' }>
): HoursByCheck {
  const of = (check: string) => ({
    baseline: baseline === null ? [] : hoursWithin(db, check, baseline),
    soak: hoursWithin(db, check, soak)
  })
  return Object.fromEntries(checks.map((check) => [check, of(check)]))
}
