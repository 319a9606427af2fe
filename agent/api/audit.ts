import type { FastifyRequest } from 'fastify'
import type { Logger } from '../../shared/server/log.ts'
import { callerIfKnown } from './caller.ts'

/** Characters of an address or a reason in the log. */
const LONGEST = 300

/** One line for every request that may change something: who, by which way, what, why, and what came of it. */
export function auditLine(request: FastifyRequest, status: number): Record<string, unknown> | null {
  const caller = callerIfKnown(request.raw)
  if (request.method === 'GET' || caller === null) return null
  const { principal, role, transport } = caller
  const body = (request.body ?? {}) as Readonly<Record<string, unknown>>
  const said = ['reason', 'storePath', 'revision', 'generation', 'profile']
    .filter((key) => typeof body[key] === 'string' || typeof body[key] === 'number')
    .map((key) => [key, typeof body[key] === 'string' ? body[key].slice(0, LONGEST) : body[key]])
  const about = { request: request.id, method: request.method, url: request.url.slice(0, LONGEST) }
  return { ...about, principal, role, transport, ...Object.fromEntries(said), status }
}

/** Puts that line into the daemon's log. */
export function logAudit(logger: Logger, request: FastifyRequest, status: number): void {
  const line = auditLine(request, status)
  if (line !== null) logger.info(line, 'asked')
}
