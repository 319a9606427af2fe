import type { DatabaseSync } from 'node:sqlite'
import type { HourOfCheck } from '../../../shared/verdict/evidence.ts'
import { HOUR_MS, resultOf, rollUp } from './roll-up.ts'
import { measured } from './write.ts'

/** Milliseconds since the epoch, from the first that counts to the first that does not. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** One sample as the API shows it. */
export interface SampleView {
  readonly at: string
  readonly result: string
  readonly value: number | null
  readonly durationMs: number
  readonly message: string
}

const iso = (ms: number) => new Date(ms).toISOString()
const orNull = (value: unknown) => (value === null || value === undefined ? null : Number(value))

const identity = (db: DatabaseSync, check: string) =>
  orNull(db.prepare('SELECT id FROM checks WHERE name = ?').get(check)?.id)

/** Samples of a check, oldest first, at most `limit`. */
export function samplesOf(
  db: DatabaseSync,
  check: string,
  { from, to }: Interval,
  limit: number
): readonly SampleView[] {
  const rows = db
    .prepare(
      `SELECT at, result, value, duration, message FROM samples
       WHERE check_id = ? AND at >= ? AND at < ? ORDER BY at LIMIT ?`
    )
    .all(identity(db, check), from, to, limit)
  return rows.map((row) => ({
    at: iso(Number(row.at)),
    result: resultOf(row.result),
    value: orNull(row.value),
    durationMs: Number(row.duration),
    message: row.message === null ? '' : String(row.message)
  }))
}

/** Whole hours of a check, oldest first, at most `limit`; `from` and `to` are the beginnings of hours. */
function wholeHours(
  db: DatabaseSync,
  id: number | null,
  { from, to }: Interval,
  limit: number
): HourOfCheck[] {
  const rows = db
    .prepare(
      `SELECT hour, pass, warn, fail, unknown, mean, median, p95, max FROM hours
       WHERE check_id = ? AND hour >= ? AND hour < ? ORDER BY hour LIMIT ?`
    )
    .all(id, Math.ceil(from / HOUR_MS), Math.ceil(to / HOUR_MS), limit)
  return rows.map((row) => ({
    hour: iso(Number(row.hour) * HOUR_MS),
    pass: Number(row.pass),
    warn: Number(row.warn),
    fail: Number(row.fail),
    unknown: Number(row.unknown),
    mean: orNull(row.mean),
    median: orNull(row.median),
    p95: orNull(row.p95),
    max: orNull(row.max)
  }))
}

/** Hours of a check that begin in an interval. */
export const hoursOf = (db: DatabaseSync, check: string, interval: Interval, limit: number) =>
  wholeHours(db, identity(db, check), interval, limit)

/**
 * Hours of a check within an interval to the millisecond: of an hour that is cut by its ends only the samples inside
 * count, since what was before an activation must not be taken for what came after.
 */
export function hoursWithin(db: DatabaseSync, check: string, { from, to }: Interval): HourOfCheck[] {
  const id = identity(db, check)
  if (id === null || to <= from) return []
  const cut = (start: number, end: number): HourOfCheck[] => {
    const samples = start < end ? measured(db, id, start, end) : []
    return samples.length === 0
      ? []
      : [{ hour: iso(Math.floor(start / HOUR_MS) * HOUR_MS), ...rollUp(samples) }]
  }
  const first = Math.ceil(from / HOUR_MS) * HOUR_MS
  const last = Math.floor(to / HOUR_MS) * HOUR_MS
  if (first > last) return cut(from, to)
  return [
    ...cut(from, first),
    ...wholeHours(db, id, { from: first, to: last }, Number.MAX_SAFE_INTEGER),
    ...cut(last, to)
  ]
}
