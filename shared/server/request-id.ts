import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Header of the identity of a request, in both directions. */
export const REQUEST_ID_HEADER = 'request-id'

const SANE = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/

/** The identity that the caller gave, where it is fit for a line of a log; else one of ours. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers[REQUEST_ID_HEADER]
  return typeof given === 'string' && SANE.test(given) ? given : randomUUID()
}
