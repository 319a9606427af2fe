import type { DatabaseSync } from 'node:sqlite'
import type { Principal } from './audit.ts'
import { auditor } from './audit.ts'

/** What of the rollouts that have ended is kept. */
export interface KeepRollouts {
  /** Days after their end. */
  readonly days: number
  /** So many of the newest, however old: a clock that is wrong deletes no more than the others. */
  readonly atLeast: number
}

/** Where no settings of a daemon say otherwise. */
export const keepByDefault: KeepRollouts = { days: 400, atLeast: 10 }

const DAY_MS = 86_400_000
const by: Principal = { name: 'retention', role: 'admin', transport: 'state directory', request: null }

/**
 * Deletes rollouts that ended long ago, with their records, views and observations; gives their identities. Never one
 * that has not ended, never the newest that brought something, nor what came after it: a person may want it taken back.
 * What persons decided about them stays in the audit, and so does the deletion.
 */
export function rolloutRetention(database: DatabaseSync, inOne: <T>(work: () => T) => T) {
  const write = auditor(database)
  const remove = ['records', 'views', 'observations']
    .map((table) => database.prepare(`DELETE FROM ${table} WHERE rollout = ?`))
    .concat(database.prepare('DELETE FROM rollouts WHERE id = ? AND ended = 1'))
  return ({ days, atLeast }: KeepRollouts, now: number): readonly string[] => {
    const before = new Date(now - days * DAY_MS).toISOString()
    const old = endedRollouts(database)
      .slice(atLeast)
      .filter(({ endedAt }) => endedAt < before)
    const newest = old.length === 0 ? 0 : newestThatBrought(database)
    const dispensable = old.filter(({ revision }) => revision < newest)
    for (const { id, revision, endedAt } of dispensable) {
      // Each by itself: who drives a rollout waits for one at most.
      inOne(() => {
        for (const statement of remove) statement.run(id)
        const reason = `revision ${revision}, ended ${endedAt}; kept for ${days} days`
        const { name: principal, role, transport, request } = by
        const entry = { principal, role, transport, request, action: 'rollout deleted', subject: id, reason }
        write({ at: new Date(now).toISOString(), ...entry })
      })
    }
    return dispensable.map(({ id }) => id)
  }
}

interface Ended {
  readonly id: string
  readonly revision: number
  readonly endedAt: string
}

/** Newest first. */
function endedRollouts(database: DatabaseSync): Ended[] {
  return database
    .prepare(
      `SELECT id, revision,
         (SELECT at FROM records WHERE rollout = rollouts.id ORDER BY seq DESC LIMIT 1) AS endedAt
       FROM rollouts WHERE ended = 1 ORDER BY revision DESC`
    )
    .all() as unknown as Ended[]
}

/** Revision of the newest rollout that is no way back; 0 where there is none. */
function newestThatBrought(database: DatabaseSync): number {
  const back = "SELECT json_extract(plan, '$.rollbackOf') AS back FROM rollouts WHERE revision = ?"
  const isBack = database.prepare(back)
  const all = database.prepare('SELECT revision FROM rollouts ORDER BY revision DESC').all()
  for (const { revision } of all as { revision: number }[]) {
    if ((isBack.get(revision) as { back: unknown }).back === null) return revision
  }
  return 0
}
