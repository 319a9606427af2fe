import type { DatabaseSync } from 'node:sqlite'
import type { RolloutPlan } from '../../shared/api/rollout.ts'
import { BelayError } from '../../shared/errors.ts'
import type { HostObservation } from '../rollout/observation.ts'
import type { RolloutEvent, RolloutRecord } from '../rollout/records.ts'
import type { Principal } from './audit.ts'
import { auditRecords } from './audit.ts'
import { backUp, openDatabase, transaction } from './open.ts'
import type { KeepRollouts } from './retention.ts'
import { rolloutRetention } from './retention.ts'

/** Who records something, when and why. */
export interface Author {
  readonly at: string
  readonly who: string
  readonly why: string | null
  /** By which way it came; without it, somebody who may write the state directory. */
  readonly by?: Principal
}

/** One rollout of the store. */
export interface RolloutSummary {
  readonly id: string
  readonly revision: number
  readonly createdAt: string
  readonly ended: boolean
}

/** Plans, records and what was last seen. Everything in it but the records of persons can be had again. */
export interface Store extends Disposable {
  /** Adds a plan; `supersede` ends the one that is under way in the same step. Throws `rollout-active`. */
  create(plan: RolloutPlan, author: Author, supersede: boolean): void
  plan(id: string): RolloutPlan
  /** Newest first. */
  rollouts(): readonly RolloutSummary[]
  /** The rollout that has not ended. */
  active(): string | null
  records(id: string, after?: number): readonly RolloutRecord[]
  /**
   * All or none, and on the disk when this returns. With `after`, false and nothing written when there are records
   * behind that one.
   */
  append(id: string, events: readonly RolloutEvent[], author: Author, after?: number): boolean
  /** Replaces what changed of the last round: views by name, observations by host. */
  saveRound(id: string, views: ReadonlyMap<string, unknown>, seen: Iterable<HostObservation>): void
  views(id: string): ReadonlyMap<string, unknown>
  observations(id: string): ReadonlyMap<string, HostObservation>
  /** Changes when another process wrote. */
  version(): number
  /** Deletes rollouts that ended long ago; gives their identities. */
  pruneRollouts(keep: KeepRollouts, now: number): readonly string[]
  backUp(to: string): void
}

const ending: readonly RolloutEvent['kind'][] = ['finished', 'aborted', 'superseded']

/** Opens the store of a directory. */
export async function openStore(directory: string): Promise<Store> {
  return storeOf(await openDatabase(directory))
}

/** The store in a database that is open. */
export function storeOf(database: DatabaseSync): Store {
  const append = appender(database)
  return {
    ...reading(database),
    create(plan, author, supersede) {
      transaction(database, () => {
        const other = activeOf(database)
        if (other !== null && !supersede) throw stillActive(other)
        if (other !== null) append(other, [{ kind: 'superseded', by: plan.id }], author)
        database
          .prepare('INSERT INTO rollouts (id, revision, created_at, plan) VALUES (?, ?, ?, ?)')
          .run(plan.id, plan.revision, plan.createdAt, JSON.stringify(plan))
        append(plan.id, [{ kind: 'created' }], author)
      })
    },
    append(id, events, author, after) {
      return transaction(database, () => {
        if (after !== undefined && lastSeq(database, id) !== after) return false
        append(id, events, author)
        return true
      })
    },
    saveRound: (id, views, seen) => transaction(database, () => saveRound(database, id, views, seen)),
    pruneRollouts: rolloutRetention(database, (work) => transaction(database, work)),
    backUp: (to) => backUp(database, to),
    [Symbol.dispose]: () => database.close()
  }
}

type Reading = Pick<Store, 'active' | 'plan' | 'rollouts' | 'records' | 'views' | 'observations' | 'version'>

function reading(database: DatabaseSync): Reading {
  const all = <T>(sql: string, ...values: (string | number)[]) =>
    database.prepare(sql).all(...values) as unknown as T[]
  return {
    active: () => activeOf(database),
    plan(id) {
      const [row] = all<{ plan: string }>('SELECT plan FROM rollouts WHERE id = ?', id)
      if (row === undefined) throw new BelayError('rollout-unknown', `no rollout ${id}`, { found: id })
      return JSON.parse(row.plan) as RolloutPlan
    },
    rollouts: () =>
      all<{ id: string; revision: number; created_at: string; ended: number }>(
        'SELECT id, revision, created_at, ended FROM rollouts ORDER BY revision DESC'
      ).map(({ id, revision, created_at, ended }) => ({
        id,
        revision,
        createdAt: created_at,
        ended: ended === 1
      })),
    records: (id, after = 0) =>
      all<Omit<RolloutRecord, 'event'> & { event: string }>(
        'SELECT seq, at, who, why, event FROM records WHERE rollout = ? AND seq > ? ORDER BY seq',
        id,
        after
      ).map((row) => ({ ...row, event: JSON.parse(row.event) as RolloutEvent })),
    views: (id) =>
      new Map(
        all<{ name: string; view: string }>('SELECT name, view FROM views WHERE rollout = ?', id).map(
          ({ name, view }) => [name, JSON.parse(view)]
        )
      ),
    observations: (id) =>
      new Map(
        all<{ host: string; observation: string }>(
          'SELECT host, observation FROM observations WHERE rollout = ?',
          id
        ).map(({ host, observation }) => [host, JSON.parse(observation) as HostObservation])
      ),
    version: () => all<{ data_version: number }>('PRAGMA data_version')[0]?.data_version ?? 0
  }
}

function activeOf(database: DatabaseSync): string | null {
  const row = database.prepare('SELECT id FROM rollouts WHERE ended = 0').get() as { id: string } | undefined
  return row?.id ?? null
}

function lastSeq(database: DatabaseSync, id: string): number {
  const row = database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM records WHERE rollout = ?').get(id)
  return (row as { seq: number }).seq
}

/** Appends within a transaction of the caller's. */
function appender(database: DatabaseSync) {
  const insert = database.prepare('INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)')
  const end = database.prepare('UPDATE rollouts SET ended = 1 WHERE id = ?')
  const audit = auditRecords(database)
  return (id: string, events: readonly RolloutEvent[], author: Author) => {
    const { at, who, why } = author
    const seq = lastSeq(database, id)
    for (const [index, event] of events.entries()) {
      insert.run(id, seq + index + 1, at, who, why, JSON.stringify(event))
      if (ending.includes(event.kind)) end.run(id)
    }
    audit(id, events, author)
  }
}

function saveRound(
  database: DatabaseSync,
  id: string,
  views: ReadonlyMap<string, unknown>,
  seen: Iterable<HostObservation>
): void {
  const view = database.prepare('INSERT OR REPLACE INTO views VALUES (?, ?, ?)')
  for (const [name, value] of views) view.run(id, name, JSON.stringify(value))
  const observation = database.prepare('INSERT OR REPLACE INTO observations VALUES (?, ?, ?)')
  for (const each of seen) observation.run(id, each.host, JSON.stringify(each))
}

function stillActive(id: string): BelayError {
  const text = `rollout ${id} has not ended; belay rollout abort it, or start with --supersede`
  return new BelayError('rollout-active', text, { found: id, wanted: 'no rollout under way' })
}
