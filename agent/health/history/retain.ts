import type { DatabaseSync } from 'node:sqlite'
import { PAGE_BYTES } from './database.ts'
import { HOUR_MS } from './roll-up.ts'

const DAY_MS = 24 * HOUR_MS
/** For how long roll-ups are kept. */
const ROLL_UP_DAYS = 400
/** The share of the bound that is aimed at, so that not every write has to make room. */
const AIM = 0.9
/** Samples are removed in portions of so much time: one transaction each. */
const PORTION_MS = 6 * HOUR_MS

export interface Retention {
  readonly days: number
  readonly maxBytes: number
}

/** Bytes in use, without the pages that are free. */
export function usedBytes(db: DatabaseSync): number {
  const read = (name: string) => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0])
  return (read('page_count') - read('freelist_count')) * PAGE_BYTES
}

/**
 * Removes what is too old, then the oldest samples and after them roll-ups until the rest is within the bound. Nothing is
 * old by a clock alone: a host that boots with one that is years ahead would forget everything.
 */
export function retain(db: DatabaseSync, { days, maxBytes }: Retention, wallMs: number): void {
  const ids = db
    .prepare('SELECT id FROM checks')
    .all()
    .map(({ id }) => Number(id))
  const nowMs = Math.min(wallMs, found(db, ids, 'max', 'samples', 'at') ?? wallMs)
  removeSamples(db, ids, nowMs - days * DAY_MS)
  removeHours(db, ids, Math.floor((nowMs - ROLL_UP_DAYS * DAY_MS) / HOUR_MS))
  while (usedBytes(db) > maxBytes * AIM) {
    const sample = found(db, ids, 'min', 'samples', 'at')
    const hour = found(db, ids, 'min', 'hours', 'hour')
    if (sample !== null) removeSamples(db, ids, sample + PORTION_MS)
    else if (hour !== null) removeHours(db, ids, hour + 24)
    else break
  }
  db.exec('DELETE FROM checks WHERE NOT EXISTS (SELECT 1 FROM hours WHERE check_id = checks.id)')
  db.exec('PRAGMA incremental_vacuum')
}

/** The first or the last of all checks. */
function found(
  db: DatabaseSync,
  ids: readonly number[],
  which: 'min' | 'max',
  table: 'samples' | 'hours',
  column: 'at' | 'hour'
): number | null {
  const of = db.prepare(`SELECT ${which}(${column}) AS found FROM ${table} WHERE check_id = ?`)
  const all = ids.flatMap((id) => of.get(id)?.found ?? []).map(Number)
  return all.length === 0 ? null : Math[which](...all)
}

function removeSamples(db: DatabaseSync, ids: readonly number[], before: number): void {
  const first = found(db, ids, 'min', 'samples', 'at') ?? before
  const remove = db.prepare('DELETE FROM samples WHERE check_id = ? AND at < ?')
  // After months switched off, or a jump of the clock, not portion by portion through an empty time.
  const step = Math.max(PORTION_MS, (before - first) / 1000)
  for (let end = first + step; first < before; end += step) {
    const to = Math.min(end, before)
    db.exec('BEGIN IMMEDIATE')
    for (const id of ids) remove.run(id, to)
    db.exec('COMMIT')
    if (to >= before) return
  }
}

function removeHours(db: DatabaseSync, ids: readonly number[], before: number): void {
  const remove = db.prepare('DELETE FROM hours WHERE check_id = ? AND hour < ?')
  for (const id of ids) remove.run(id, before)
}
