import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { BelayError } from '../../shared/errors.ts'
import type { ApiRole } from '../../shared/server/role.ts'
import type { auditor, Principal } from './audit.ts'

/** A token as it is shown; the secret is known only to whoever was given it. */
export interface TokenView {
  readonly id: string
  readonly name: string
  readonly role: ApiRole
  readonly createdAt: string
  readonly expiresAt: string | null
}

/** Tokens for callers that come over TLS. */
export interface Tokens {
  /** Gives the token itself: it is not kept, and cannot be had again. */
  add(token: Pick<TokenView, 'name' | 'role' | 'expiresAt'>, at: string, by: Principal): string
  list(): readonly TokenView[]
  /** Throws `token-unknown`. */
  revoke(name: string, at: string, by: Principal): void
  /** The token's owner, or null: unknown, changed and expired look the same. */
  check(token: string, now: number): TokenView | null
}

type Row = {
  id: string
  name: string
  role: ApiRole
  hash: string
  created_at: string
  expires_at: string | null
}

const shape = /^belay_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/
const hashOf = (secret: string) => createHash('sha256').update(secret).digest()

/**
 * The tokens of a database. A secret has 256 random bits: its plain hash is as good as a slow one, and is compared
 * in constant time.
 */
export function tokensOf(
  database: DatabaseSync,
  inOne: <T>(work: () => T) => T,
  write: ReturnType<typeof auditor>
): Tokens {
  const find = database.prepare('SELECT * FROM tokens WHERE id = ?')
  const audit = (action: string, subject: string, at: string, by: Principal) =>
    write({
      ...{ at, action, subject, reason: null },
      ...{ principal: by.name, role: by.role, transport: by.transport, request: by.request }
    })
  return {
    add: ({ name, role, expiresAt }, at, by) =>
      inOne(() => {
        if (database.prepare('SELECT 1 FROM tokens WHERE name = ?').get(name) !== undefined) {
          const text = `there is a token ${JSON.stringify(name)} already; revoke it first`
          throw new BelayError('invalid-request', text, { found: name, wanted: 'a new name' })
        }
        const [id, secret] = [randomBytes(6).toString('hex'), randomBytes(32).toString('base64url')]
        database
          .prepare('INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)')
          .run(id, name, role, hashOf(secret).toString('hex'), at, expiresAt)
        audit('token add', `${name} (${role})`, at, by)
        return `belay_${id}_${secret}`
      }),
    list: () =>
      (database.prepare('SELECT * FROM tokens ORDER BY created_at').all() as unknown as Row[]).map(viewOf),
    revoke: (name, at, by) =>
      inOne(() => {
        const { changes } = database.prepare('DELETE FROM tokens WHERE name = ?').run(name)
        if (changes === 0)
          throw new BelayError('token-unknown', `no token ${JSON.stringify(name)}`, { found: name })
        audit('token revoke', name, at, by)
      }),
    check(token, now) {
      const [, id, secret] = shape.exec(token) ?? []
      if (id === undefined || secret === undefined) return null
      const row = find.get(id) as Row | undefined
      const same = timingSafeEqual(hashOf(secret), Buffer.from(row?.hash ?? '0'.repeat(64), 'hex'))
      if (row === undefined || !same) return null
      return row.expires_at !== null && Date.parse(row.expires_at) <= now ? null : viewOf(row)
    }
  }
}

function viewOf({ id, name, role, created_at, expires_at }: Row): TokenView {
  return { id, name, role, createdAt: created_at, expiresAt: expires_at }
}
