import type { DatabaseSync } from 'node:sqlite'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Evidence } from '../../shared/verdict/evidence.ts'

/** The last evidence of a host, with its soak ledger and incidents, for when the host is away. */
export interface KeptEvidence {
  /** Milliseconds since 1970. */
  readonly keptAt: number
  /** As it came; whoever judges by it checks it first. */
  readonly evidence: unknown
}

/** One for each host; a newer one replaces it. */
export interface EvidenceStore {
  keepEvidence(host: string, evidence: Evidence, now: number): void
  /** When that of the host was kept; null when there is none. */
  evidenceKeptAt(host: string): number | null
  keptEvidence(host: string): KeptEvidence | null
}

/** Bytes of one, unpacked: what is read from a host is no more. */
const MAX_BYTES = 64 * 1024 * 1024

/** Evidence in a database that is open. It repeats itself hour by hour, so packed it is small. */
export function evidenceStore(database: DatabaseSync): EvidenceStore {
  const insert = database.prepare('INSERT OR REPLACE INTO evidence VALUES (?, ?, ?)')
  const time = database.prepare('SELECT kept_at FROM evidence WHERE host = ?')
  const read = database.prepare('SELECT kept_at, content FROM evidence WHERE host = ?')
  return {
    keepEvidence: (host, evidence, now) => void insert.run(host, now, gzipSync(JSON.stringify(evidence))),
    evidenceKeptAt: (host) => (time.get(host)?.kept_at as number | undefined) ?? null,
    keptEvidence(host) {
      const row = read.get(host) as { kept_at: number; content: Uint8Array } | undefined
      if (row === undefined) return null
      const text = gunzipSync(row.content, { maxOutputLength: MAX_BYTES }).toString('utf8')
      return { keptAt: row.kept_at, evidence: JSON.parse(text) }
    }
  }
}
