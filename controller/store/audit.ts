import type { DatabaseSync } from 'node:sqlite'
import type { RolloutEvent } from '../rollout/records.ts'
import type { Author } from './store.ts'

/** Who asked for something, and by which way. */
export interface Principal {
  readonly name: string
  readonly role: string
  /** `socket`, `tls`, or `state directory` for a command that wrote by itself. */
  readonly transport: string
  /** Identity of the request, as it stands in the log. */
  readonly request: string | null
}

/** One decision: who, when, by which way, what about, why. */
export interface AuditEntry {
  readonly seq: number
  readonly at: string
  readonly principal: string
  readonly role: string
  readonly transport: string
  readonly request: string | null
  readonly action: string
  readonly subject: string
  readonly reason: string | null
}

/** What persons decide; the rest the engine finds out. */
const decisions: readonly RolloutEvent['kind'][] = [
  'created',
  'superseded',
  'paused',
  'resumed',
  'approved',
  'skipped',
  'retried',
  'aborted'
]

/** Writes an entry, within a transaction of the caller's. */
export function auditor(database: DatabaseSync) {
  const insert = database.prepare(
    'INSERT INTO audit (at, principal, role, transport, request, action, subject, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
  )
  return ({ at, principal, role, transport, request, action, subject, reason }: Omit<AuditEntry, 'seq'>) =>
    void insert.run(at, principal, role, transport, request, action, subject, reason)
}

/** Writes what of a rollout's records persons decided. */
export function auditRecords(database: DatabaseSync) {
  const write = auditor(database)
  return (id: string, events: readonly RolloutEvent[], { at, who, why, by }: Author) => {
    for (const event of events) {
      if (!decisions.includes(event.kind)) continue
      const target = 'host' in event ? ` ${event.host}` : 'stage' in event ? ` ${event.stage}` : ''
      write({
        at,
        principal: by?.name ?? who,
        role: by?.role ?? 'admin',
        transport: by?.transport ?? 'state directory',
        request: by?.request ?? null,
        action: `rollout ${event.kind}`,
        subject: `${id}${target}`,
        reason: why
      })
    }
  }
}
