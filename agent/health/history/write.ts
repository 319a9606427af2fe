import type { DatabaseSync } from 'node:sqlite'
import type { Sample } from '../../../shared/api/checks.ts'
import { HOUR_MS, resultCode, resultOf, rollUp } from './roll-up.ts'

/** Adds samples, and sums the hours up anew that they fall into: a roll-up is never behind. All of it or nothing. */
export function writeSamples(db: DatabaseSync, samples: readonly Sample[]): void {
  const ids = identities(db)
  const insert = db.prepare(
    'INSERT OR REPLACE INTO samples (check_id, at, result, value, duration, message) VALUES (?, ?, ?, ?, ?, ?)'
  )
  const touched = new Map<number, Set<number>>()
  db.exec('BEGIN IMMEDIATE')
  try {
    for (const { check, at, result, value, durationMs, message } of samples) {
      const id = ids(check)
      // What passed is told by its value.
      const text = result === 'pass' || message === '' ? null : message
      insert.run(id, at, resultCode(result), value, durationMs, text)
      const hours = touched.get(id) ?? new Set()
      touched.set(id, hours.add(Math.floor(at / HOUR_MS)))
    }
    for (const [id, hours] of touched) for (const hour of hours) sumUp(db, id, hour)
    db.exec('COMMIT')
  } catch (error) {
    // A full file has rolled back already.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function identities(db: DatabaseSync): (name: string) => number {
  const find = db.prepare('SELECT id FROM checks WHERE name = ?')
  const add = db.prepare('INSERT INTO checks (name) VALUES (?)')
  const known = new Map<string, number>()
  return (name) => {
    const id = known.get(name) ?? Number(find.get(name)?.id ?? add.run(name).lastInsertRowid)
    known.set(name, id)
    return id
  }
}

/** The samples of a check in an interval, as far as a roll-up needs them. */
export function measured(db: DatabaseSync, id: number, from: number, to: number) {
  return db
    .prepare('SELECT result, value FROM samples WHERE check_id = ? AND at >= ? AND at < ?')
    .all(id, from, to)
    .map(({ result, value }) => ({ result: resultOf(result), value: value === null ? null : Number(value) }))
}

function sumUp(db: DatabaseSync, id: number, hour: number): void {
  const { pass, warn, fail, unknown, mean, median, p95, max } = rollUp(
    measured(db, id, hour * HOUR_MS, (hour + 1) * HOUR_MS)
  )
  db.prepare(
    `INSERT OR REPLACE INTO hours (check_id, hour, pass, warn, fail, unknown, mean, median, p95, max)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  ).run(id, hour, pass, warn, fail, unknown, mean, median, p95, max)
}
