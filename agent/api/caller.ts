import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Role } from '../../shared/api/schemas.ts'
import { roles } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import { monotonicMs } from '../clock.ts'
import type { Caller } from '../operation/confirmable.ts'

/** Which socket a connection came in by, and when. Node cannot ask for the peer's identity: the socket's file can. */
interface Connection {
  readonly role: Role
  readonly connectedMonotonicMs: number
}

const connections = new WeakMap<Socket, Connection>()
const identities = new WeakMap<IncomingMessage, string>()

/** Remembers a new connection. */
export function register(socket: Socket, role: Role): void {
  connections.set(socket, { role, connectedMonotonicMs: monotonicMs() })
}

/** Remembers the identity of a request, for whatever it will change. */
export function identify(request: IncomingMessage, identity: string): void {
  identities.set(request, identity)
}

/** Who sends a request; null where nobody registered its connection. */
export function callerIfKnown(request: IncomingMessage): ReturnType<typeof callerOf> | null {
  return connections.has(request.socket) ? callerOf(request) : null
}

/** Who sends a request. Throws `role-too-low` for a connection that nobody registered. */
export function callerOf(request: IncomingMessage): Caller & { readonly role: Role } {
  const identity = identities.get(request)
  const connection = connections.get(request.socket)
  if (!connection) throw new BelayError('role-too-low', 'the connection has no role')
  return {
    ...{ ...connection, principal: `${connection.role} socket`, transport: 'unix' },
    ...(identity === undefined ? {} : { request: identity })
  }
}

/** True when a role may do what another may. */
export function atLeast(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}
