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
    if (cause instanceof BelayError) throw cause
    const hint = 'Move it aside: it is rebuilt from the hosts by starting the rollout again'
    throw new BelayError('store-broken', `${file}: ${(cause as Error).message}. ${hint}`, { cause, at: file })
  }
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
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, name)
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA busy_timeout=0; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new BelayError('store-locked', text, { cause, at: file, wanted: 'one at a time' })
  }
  return { [Symbol.dispose]: () => database.close() }
}
