import type { DatabaseSync } from 'node:sqlite'
import type { RolloutPlan } from '../../shared/api/rollout.ts'
import type { AuditEntry, Principal } from './audit.ts'
import { auditor } from './audit.ts'
import type { EvidenceStore } from './evidence-store.ts'
import { evidenceStore } from './evidence-store.ts'
import { openDatabase, transaction } from './open.ts'
import type { Store } from './store.ts'
import { storeOf } from './store.ts'
import type { Tokens } from './tokens.ts'
import { tokensOf } from './tokens.ts'

/** Something that happened, for readers of the event stream. */
export interface StoredEvent {
  readonly seq: number
  readonly at: string
  readonly kind: string
  readonly host: string | null
  readonly rollout: string | null
  readonly data: unknown
}

/** What was last heard of a host. */
export interface StoredHost {
  readonly host: string
  /** Milliseconds since 1970. */
  readonly lookedAt: number
  readonly answeredAt: number | null
  readonly error: string | null
  /** The last event of the agent that was taken in. */
  readonly position: string | null
  /** When saved, null leaves what was there. */
  readonly state: unknown
  readonly verdict: unknown
}

/** A plan that somebody without the right to start it has made. */
export interface Proposal {
  readonly plan: string
  readonly at: string
  readonly principal: string
  readonly reason: string | null
}

/** A host that may reboot now. */
export interface RebootLock {
  readonly host: string
  readonly group: string
  readonly at: string
}

/** The rollouts, and all that the daemon keeps beside them. */
export interface ControllerStore extends Store, EvidenceStore {
  /** Tells this database from the one that was there before it was lost. */
  readonly epoch: string
  readonly tokens: Tokens
  /** A word that outlives a restart. */
  recall(name: string): string | null
  remember(name: string, value: string): void
  events(after: number, limit: number): readonly StoredEvent[]
  newestEvent(): number
  tell(event: Omit<StoredEvent, 'seq'>): void
  hosts(): Iterable<StoredHost>
  host(name: string): StoredHost | null
  /** With what happened on the hosts meanwhile, in one step. */
  saveHosts(hosts: Iterable<StoredHost>, news: readonly Omit<StoredEvent, 'seq'>[]): void
  audit(before: number | null, limit: number): readonly AuditEntry[]
  addAudit(entry: Omit<AuditEntry, 'seq'>): void
  propose(plan: RolloutPlan, proposal: Proposal, by: Principal): void
  proposals(): readonly Proposal[]
  proposal(plan: string): RolloutPlan | null
  locks(): readonly RebootLock[]
  lock(lock: RebootLock, by: Principal): void
  unlock(host: string, at: string, by: Principal): void
  /**
   * Deletes events and proposals of before, and hosts that are no more. Of the audit only the locks of hosts that reboot:
   * what persons decided is never deleted.
   */
  prune(before: string, hosts: ReadonlySet<string>): void
}

/** Proposals that are kept; the oldest go first. */
const MAX_PROPOSALS = 50

/** Opens the store of a directory with what the daemon needs. */
export async function openControllerStore(directory: string): Promise<ControllerStore> {
  const database = await openDatabase(directory)
  const write = auditor(database)
  const { value: epoch } = database.prepare("SELECT value FROM meta WHERE name = 'epoch'").get() as {
    value: string
  }
  const inOne = <T>(work: () => T) => transaction(database, work)
  return {
    ...storeOf(database),
    epoch,
    ...evidenceStore(database),
    tokens: tokensOf(database, inOne, write),
    recall: (name) =>
      (database.prepare('SELECT value FROM meta WHERE name = ?').get(name)?.value as string | undefined) ??
      null,
    remember: (name, value) =>
      void database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(name, value),
    ...happenings(database, inOne),
    ...proposing(database, inOne, write),
    ...locking(database, inOne, write),
    addAudit: (entry) => inOne(() => write(entry)),
    audit: (before, limit) =>
      database
        .prepare('SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?')
        .all(before ?? Number.MAX_SAFE_INTEGER, limit) as unknown as AuditEntry[],
    prune: (before, hosts) =>
      inOne(() => {
        // The newest stays: readers go on behind it.
        database
          .prepare('DELETE FROM events WHERE at < ? AND seq < (SELECT max(seq) FROM events)')
          .run(before)
        database
          .prepare(
            `DELETE FROM audit WHERE at < ? AND action LIKE 'reboot %lock'
               AND principal IN ('token ' || subject, 'certificate ' || subject, 'host certificate ' || subject)`
          )
          .run(before)
        database.prepare('DELETE FROM proposals WHERE at < ?').run(before)
        for (const table of ['host_states', 'evidence']) {
          const known = database.prepare(`SELECT host FROM ${table}`).all() as { host: string }[]
          const forget = database.prepare(`DELETE FROM ${table} WHERE host = ?`)
          for (const { host } of known) if (!hosts.has(host)) forget.run(host)
        }
      })
  }
}

type InOne = <T>(work: () => T) => T
type Write = ReturnType<typeof auditor>

function happenings(
  database: DatabaseSync,
  inOne: InOne
): Pick<ControllerStore, 'events' | 'newestEvent' | 'tell' | 'hosts' | 'host' | 'saveHosts'> {
  const insert = database.prepare('INSERT INTO events (at, kind, host, rollout, data) VALUES (?, ?, ?, ?, ?)')
  const tell = ({ at, kind, host, rollout, data }: Omit<StoredEvent, 'seq'>) =>
    void insert.run(at, kind, host, rollout, JSON.stringify(data))
  const upsert = database.prepare(
    `INSERT INTO host_states VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (host) DO UPDATE SET
       looked_at = excluded.looked_at, answered_at = excluded.answered_at, error = excluded.error,
       position = excluded.position, state = coalesce(excluded.state, state),
       verdict = coalesce(excluded.verdict, verdict)`
  )
  return {
    tell,
    events: (after, limit) =>
      (
        database
          .prepare('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?')
          .all(after, limit) as unknown as EventRow[]
      ).map((row) => ({ ...row, data: JSON.parse(row.data) })),
    newestEvent: () =>
      (database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM events').get() as { seq: number }).seq,
    *hosts() {
      for (const row of database.prepare('SELECT * FROM host_states').iterate()) yield hostOf(row as HostRow)
    },
    host(name) {
      const row = database.prepare('SELECT * FROM host_states WHERE host = ?').get(name)
      return row === undefined ? null : hostOf(row as HostRow)
    },
    saveHosts: (hosts, news) =>
      inOne(() => {
        for (const { host, lookedAt, answeredAt, error, position, state, verdict } of hosts)
          upsert.run(host, lookedAt, answeredAt, error, position, textOf(state), textOf(verdict))
        for (const event of news) tell(event)
      })
  }
}

type EventRow = Omit<StoredEvent, 'data'> & { data: string }
type HostRow = {
  host: string
  looked_at: number
  answered_at: number | null
  error: string | null
  position: string | null
  state: string | null
  verdict: string | null
}

const textOf = (value: unknown) => (value === null ? null : JSON.stringify(value))
const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text))

function hostOf(row: HostRow): StoredHost {
  return {
    host: row.host,
    lookedAt: row.looked_at,
    answeredAt: row.answered_at,
    error: row.error,
    position: row.position,
    state: parsed(row.state),
    verdict: parsed(row.verdict)
  }
}

function proposing(
  database: DatabaseSync,
  inOne: InOne,
  write: Write
): Pick<ControllerStore, 'propose' | 'proposals' | 'proposal'> {
  return {
    propose: (plan, { at, principal, reason }, by) =>
      inOne(() => {
        database
          .prepare('INSERT OR REPLACE INTO proposals VALUES (?, ?, ?, ?, ?)')
          .run(plan.id, at, principal, reason, JSON.stringify(plan))
        database
          .prepare(
            'DELETE FROM proposals WHERE plan NOT IN (SELECT plan FROM proposals ORDER BY at DESC LIMIT ?)'
          )
          .run(MAX_PROPOSALS)
        write({ ...wayOf(by), at, action: 'propose', subject: plan.id, reason })
      }),
    proposals: () =>
      database
        .prepare('SELECT plan, at, principal, reason FROM proposals ORDER BY at DESC')
        .all() as unknown as Proposal[],
    proposal: (plan) => {
      const row = database.prepare('SELECT content FROM proposals WHERE plan = ?').get(plan)
      return row === undefined ? null : (JSON.parse(String(row.content)) as RolloutPlan)
    }
  }
}

function locking(
  database: DatabaseSync,
  inOne: InOne,
  write: Write
): Pick<ControllerStore, 'locks' | 'lock' | 'unlock'> {
  return {
    locks: () =>
      database
        .prepare('SELECT host, lock_group AS "group", at FROM reboot_locks ORDER BY at')
        .all() as unknown as RebootLock[],
    lock: ({ host, group, at }, by) =>
      inOne(() => {
        database.prepare('INSERT INTO reboot_locks VALUES (?, ?, ?)').run(host, group, at)
        write({ ...wayOf(by), at, action: 'reboot lock', subject: host, reason: null })
      }),
    unlock: (host, at, by) =>
      inOne(() => {
        const { changes } = database.prepare('DELETE FROM reboot_locks WHERE host = ?').run(host)
        if (changes === 0) return
        write({ ...wayOf(by), at, action: 'reboot unlock', subject: host, reason: null })
      })
  }
}

/** The part of an entry that says who and how. */
export const wayOf = ({ name, role, transport, request }: Principal) => ({
  principal: name,
  role,
  transport,
  request
})
