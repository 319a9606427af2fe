import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { BelayError } from '../../shared/errors.ts'
import { migrations } from './migrations.ts'

const FILE = 'rollouts.db'

/** Milliseconds for which a statement waits for another process. */
const BUSY_MS = 5000

/** Where the controller keeps its state unless told otherwise. */
export function stateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env.XDG_STATE_HOME || join(env.HOME ?? '/', '.local/state')
  return join(base, 'belay')
}

/** Opens the database, made or brought up to date as needed. Throws `store-broken`. */
export async function openDatabase(directory: string): Promise<DatabaseSync> {
  // Not before it is needed: other commands do not load it.
  const { DatabaseSync } = await import('node:sqlite')
  const file = join(directory, FILE)
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    // From the first statement on: also who makes the file, or opens it as the last one closes it, waits its turn.
    const database = new DatabaseSync(file, { timeout: BUSY_MS })
    // FULL: a decision is on the disk before it is acted upon, also through a power cut.
    database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON')
    migrate(database, file)
    return database
  } catch (cause) {
    throw storeProblem(cause, file)
  }
}

/** What SQLite found, in the lower byte of its code. */
const found = { busy: 5, full: 13, corrupt: 11, notDatabase: 26 } as const
const codeOfSqlite = (cause: unknown) => ((cause as { errcode?: number }).errcode ?? 0) & 0xff

/** Why a file of the store cannot be used. Only what is damaged is to be given up: a full disk passes. */
function storeProblem(cause: unknown, file: string): BelayError {
  if (cause instanceof BelayError) return cause
  const code = codeOfSqlite(cause)
  const detail = { cause, at: file }
  if (code === found.busy) {
    const text = `${file}: another process has been writing for ${BUSY_MS / 1000} s. Ask again`
    return new BelayError('store-locked', text, { ...detail, wanted: 'one at a time' })
  }
  if (code === found.full) {
    const text = `${file}: no space left on its disk. Nothing is lost: make room and ask again`
    return new BelayError('no-space', text, { ...detail, wanted: 'free space and inodes' })
  }
  const hint =
    code === found.corrupt || code === found.notDatabase
      ? 'Move it aside: it is rebuilt from the hosts by starting the rollout again'
      : 'The file may be whole: look at its disk (space, inodes, errors), its owner and its mode'
  return new BelayError('store-broken', `${file}: ${(cause as Error).message}. ${hint}`, detail)
}

/** Each step in a transaction of its own; what is there is copied before the first. */
function migrate(database: DatabaseSync, file: string): void {
  const version = versionOf(database)
  if (version > migrations.length) {
    const text = `${file} was written by a newer belay (format ${version})`
    throw new BelayError('store-broken', text, { found: version, wanted: migrations.length, at: file })
  }
  const copy = `${file}.v${version}`
  if (version > 0 && version < migrations.length && !existsSync(copy)) backUp(database, copy)
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue
    transaction(database, () => {
      // Another process may have been first.
      if (versionOf(database) <= index) database.exec(`${step}; PRAGMA user_version=${index + 1}`)
    })
  }
}

const versionOf = (database: DatabaseSync): number =>
  (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version

/** All of it or nothing. Throws `no-space` and the like for what SQLite finds. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  try {
    database.exec('BEGIN IMMEDIATE')
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // A disk that is full has ended it already.
    if (database.isTransaction) database.exec('ROLLBACK')
    if ((error as { code?: unknown }).code !== 'ERR_SQLITE_ERROR') throw error
    throw storeProblem(error, database.location() ?? FILE)
  }
}

/** Copies the database, whole and consistent, while it is in use. The copy appears whole or not at all. */
export function backUp(database: DatabaseSync, to: string): void {
  const temporary = `${to}.${process.pid}.new`
  try {
    database.prepare('VACUUM INTO ?').run(temporary)
    renameSync(temporary, to)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Held by the one process that drives rollouts; gone with it, however it ends. */
export function lockEngine(directory: string): Promise<Disposable> {
  return lockDirectory(directory, 'engine.lock', `another belay drives rollouts from ${directory}`)
}

/** A lock of a directory, gone with the process, however that ends. Throws `store-locked`, with a text for people. */
export async function lockDirectory(directory: string, name: string, text: string): Promise<Disposable> {
  const { DatabaseSync } = await import('node:sqlite')
  const file = join(directory, name)
  let database: DatabaseSync | undefined
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    database = new DatabaseSync(file)
    database.exec('PRAGMA busy_timeout=0; BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    if (codeOfSqlite(cause) !== found.busy) throw storeProblem(cause, file)
    throw new BelayError('store-locked', text, { cause, at: file, wanted: 'one at a time' })
  }
  const locked = database
  return { [Symbol.dispose]: () => locked.close() }
}
