import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'

/** Each brings a file of the version before to the next; the first makes an empty one. */
const migrations: readonly string[] = [
  `CREATE TABLE checks (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE samples (
     check_id INTEGER NOT NULL, at INTEGER NOT NULL, result INTEGER NOT NULL, value REAL, duration INTEGER NOT NULL,
     message TEXT, PRIMARY KEY (check_id, at)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE hours (
     check_id INTEGER NOT NULL, hour INTEGER NOT NULL, pass INTEGER NOT NULL, warn INTEGER NOT NULL,
     fail INTEGER NOT NULL, unknown INTEGER NOT NULL, mean REAL, median REAL, p95 REAL, max REAL,
     PRIMARY KEY (check_id, hour)
   ) STRICT, WITHOUT ROWID;`
]

/** Bytes of a page: the unit in which the size is bounded. */
export const PAGE_BYTES = 4096

/** How many files that could not be read are kept. */
const KEPT_ASIDE = 2

/** Another process may be at it: the one before, of an agent that was restarted. */
const BUSY_MS = 5000

/**
 * Opens the history, makes it where it is missing, and brings it to the present version. With `verify` all of it is
 * looked at. Throws for a file that is damaged or of a newer version: see {@link isDamaged}.
 */
export function openDatabase(file: string, maxBytes: number, verify: boolean): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o750 })
  const sqlite = process.getBuiltinModule('node:sqlite')
  const db = new sqlite.DatabaseSync(file, { timeout: BUSY_MS })
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL; PRAGMA max_page_count = ${Math.floor(maxBytes / PAGE_BYTES)};`)
    if (verify) {
      const [found] = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})
      if (found !== 'ok') throw new DamagedHistory(String(found))
    }
    migrate(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version > migrations.length) throw new DamagedHistory(`it has version ${version}, of a newer agent`)
  for (const [i, sql] of migrations.entries())
    if (i >= version) db.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${i + 1}; COMMIT`)
}

/** A history that nothing can be done with. */
export class DamagedHistory extends Error {
  override readonly name = 'DamagedHistory'
}

/** SQLITE_CORRUPT, SQLITE_NOTADB, or SQLITE_ERROR since the tables are not ours. */
export function isDamaged(error: unknown): boolean {
  if (error instanceof DamagedHistory) return true
  const code = Number((error as { errcode?: unknown }).errcode) & 0xff
  return (
    code === 11 || code === 26 || (code === 1 && /no such (table|column)|has no column/.test(String(error)))
  )
}

/** SQLITE_FULL: the bound is reached, or the disk is full. */
export const isFull = (error: unknown): boolean =>
  (Number((error as { errcode?: unknown }).errcode) & 0xff) === 13

/** Moves a damaged history out of the way, and removes those that were moved before the last two. */
export function setAside(file: string, now: Date): string {
  const name = `${basename(file)}.damaged-${now.toISOString().replace(/[-:.]/g, '')}`
  const aside = join(dirname(file), name)
  renameSync(file, aside)
  for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  const all = readdirSync(dirname(file)).filter((each) => each.startsWith(`${basename(file)}.damaged-`))
  for (const old of all.sort().slice(0, -KEPT_ASIDE)) rmSync(join(dirname(file), old), { force: true })
  return aside
}
