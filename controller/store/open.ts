import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { BelayError } from '../../shared/errors.ts'
import { migrations } from './migrations.ts'

const FILE = 'rollouts.db'

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
    const database = new DatabaseSync(file)
    // FULL: a decision is on the disk before it is acted upon, also through a power cut.
    database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000')
    database.exec('PRAGMA foreign_keys=ON')
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
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > migrations.length) {
    const text = `${file} was written by a newer belay (format ${version})`
    throw new BelayError('store-broken', text, { found: version, wanted: migrations.length, at: file })
  }
  const copy = `${file}.v${version}`
  if (version > 0 && version < migrations.length && !existsSync(copy)) backUp(database, copy)
  for (const [index, step] of migrations.entries()) {
    if (index < version) continue
    database.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version=${index + 1}; COMMIT`)
  }
}

/** Copies the database, whole and consistent, while it is in use. */
export function backUp(database: DatabaseSync, to: string): void {
  database.prepare('VACUUM INTO ?').run(to)
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
