import type { X509Certificate } from 'node:crypto'
import type { Notes } from '../log.ts'
import type { TlsMaterial } from './files.ts'

/** What expires, from when until when it holds, milliseconds since 1970. */
export interface Expiry {
  readonly what: 'server' | 'client-authority' | 'revocation-list'
  readonly from: number
  readonly until: number
}

const DAY_MS = 86_400_000
/** What is left of its life when it is time to say so. */
const SOON = 0.25

/** What of a listener expires; of several authorities the first. */
export function expiriesOf({ certificate, trust }: TlsMaterial): Expiry[] {
  const { authorities, revocations } = trust
  const period = ({ validFromDate, validToDate }: X509Certificate) => ({
    from: validFromDate.getTime(),
    until: validToDate.getTime()
  })
  const [first] = authorities.map(period).sort((a, b) => a.until - b.until)
  return [
    { what: 'server', ...period(certificate) },
    ...(first === undefined ? [] : [{ what: 'client-authority' as const, ...first }]),
    ...(revocations === null
      ? []
      : [{ what: 'revocation-list' as const, from: revocations.from, until: revocations.until }])
  ]
}

/** Says what expires soon, once a day. */
export function expiryWarner(logger: Pick<Notes, 'warn'>) {
  const told = new Map<string, number>()
  return (expiries: readonly Expiry[], now: number): void => {
    for (const { what, from, until } of expiries) {
      if (until - now > (until - from) * SOON) continue
      if (now - (told.get(what) ?? Number.NEGATIVE_INFINITY) < DAY_MS) continue
      told.set(what, now)
      const text = now > until ? 'has expired' : 'expires soon'
      logger.warn({ certificate: what, until: new Date(until).toISOString() }, text)
    }
  }
}
