import { clean } from '../../../shared/clean.ts'
import type { AuditEntry } from '../../store/audit.ts'
import type { TokenView } from '../../store/tokens.ts'
import type { Paint } from './text.ts'
import { table } from './text.ts'

/** The tokens of the daemon. */
export function tokensView(tokens: readonly TokenView[], now: number, paint: Paint): string {
  if (tokens.length === 0) return 'no tokens\n'
  const rows = tokens.map(({ name, role, createdAt, expiresAt }) => {
    const expired = expiresAt !== null && Date.parse(expiresAt) <= now
    const until = expiresAt === null ? 'it is revoked' : expired ? `expired ${expiresAt}` : expiresAt
    return [
      { text: name },
      { text: role },
      { text: createdAt },
      { text: until, ...(expired ? { format: 'red' as const } : {}) }
    ]
  })
  return table(['NAME', 'ROLE', 'MADE', 'GOOD UNTIL'], rows, paint)
}

/** Who decided what. */
export function auditView(entries: readonly AuditEntry[], paint: Paint): string {
  if (entries.length === 0) return 'nobody has decided anything yet\n'
  const rows = entries.map(({ at, principal, role, transport, action, subject, reason }) =>
    [at, principal, `${role} by ${transport}`, action, subject, reason ?? ''].map((text) => ({
      text: clean(text)
    }))
  )
  return table(['WHEN', 'WHO', 'AS', 'WHAT', 'ABOUT', 'WHY'], rows, paint)
}
