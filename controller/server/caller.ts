import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { clean } from '../../shared/clean.ts'
import { BelayError } from '../../shared/errors.ts'
import type { ApiRole } from '../../shared/server/role.ts'
import { peerOf } from '../../shared/server/tls/peer.ts'
import { certificateRoles, identityOf, identityWords } from '../../shared/x509/identity.ts'
import type { Principal } from '../store/audit.ts'
import type { Tokens } from '../store/tokens.ts'

/** Roles of the controller's API, weakest first. A role may do all that the ones before it may. */
export const controllerRoles = certificateRoles

/** Who sends a request. */
export interface Caller extends Principal {
  readonly role: ApiRole
  /** Name of the token or certificate; null for a socket. */
  readonly holder: string | null
  /** A host's own certificate: for what a host asks for itself, and nothing else. */
  readonly isHost: boolean
}

/** Header in which a command on this machine says who typed it, percent-encoded. A claim: the socket decides what may be done. */
export const OPERATOR_HEADER = 'belay-operator'

const sockets = new WeakMap<Socket, ApiRole>()
const callers = new WeakMap<FastifyRequest, Caller>()

/** Remembers by which socket a connection came in. Connections that nobody registered need a certificate or a token. */
export function registerSocket(socket: Socket, role: ApiRole): void {
  sockets.set(socket, role)
}

/** Judges who sends a request, and throws unless it has at least the role needed. */
export function authorise(tokens: Tokens, now: () => number) {
  return (request: FastifyRequest, needed: ApiRole): void => {
    const socket = sockets.get(request.raw.socket)
    const caller = socket === undefined ? fromElsewhere(request, tokens, now()) : bySocket(request, socket)
    callers.set(request, caller)
    if (caller.isHost && request.routeOptions.config.hosts !== true) {
      throw new BelayError('role-too-low', `the certificate of a host may ask for its own reboot alone`, {
        found: caller.name,
        wanted: `a certificate with the role ${needed}`
      })
    }
    if (controllerRoles.indexOf(caller.role) >= controllerRoles.indexOf(needed)) return
    throw new BelayError('role-too-low', `this needs the role ${needed}`, {
      found: caller.role,
      wanted: needed
    })
  }
}

/** Throws when who sent a request from elsewhere would not be let in now. Its role stays: a token has one for its life. */
export const judgeAgain = (tokens: Tokens, now: () => number) => (request: FastifyRequest) => {
  if (!sockets.has(request.raw.socket)) fromElsewhere(request, tokens, now())
}

/** Who sends a request; undefined where nobody came so far as to be judged. */
export const knownCaller = (request: FastifyRequest): Caller | undefined => callers.get(request)

/** Who sends a request that was let in. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request)
  if (caller === undefined) throw new BelayError('role-too-low', 'nobody has judged this request')
  return caller
}

function bySocket(request: FastifyRequest, role: ApiRole): Caller {
  const claimed = request.headers[OPERATOR_HEADER]
  const name = typeof claimed === 'string' ? clean(decoded(claimed)).trim().slice(0, 100) : ''
  return {
    name: name === '' ? `${role} socket` : `${name} by the ${role} socket`,
    role,
    transport: 'socket',
    request: request.id,
    holder: null,
    isHost: false
  }
}

/** Who shows a certificate is judged by it, whatever else it sends. */
function fromElsewhere(request: FastifyRequest, tokens: Tokens, now: number): Caller {
  const certificate = peerOf(request.raw.socket)?.certificate() ?? null
  return certificate === null ? byToken(request, tokens, now) : byCertificate(request, certificate)
}

function byCertificate(request: FastifyRequest, certificate: X509Certificate): Caller {
  const identity = identityOf(certificate)
  if (identity === null) {
    throw new BelayError('certificate-without-role', 'the certificate says not what its holder may do', {
      found: (certificate.subjectAltName ?? '').slice(0, 200),
      wanted: 'one URI such as belay://role/observe/NAME in the subjectAltName'
    })
  }
  return {
    name: identityWords(identity),
    role: identity.kind === 'host' ? 'propose' : identity.role,
    transport: 'tls',
    request: request.id,
    holder: identity.name,
    isHost: identity.kind === 'host'
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Bearer, or the password of Basic for programs that know nothing else. */
function byToken(request: FastifyRequest, tokens: Tokens, now: number): Caller {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ')
  const basic = /^basic$/i.test(scheme)
    ? Buffer.from(value, 'base64').toString('utf8').split(':')[1]
    : undefined
  const token = /^bearer$/i.test(scheme) ? value : (basic ?? '')
  const owner = tokens.check(token, now)
  if (owner === null) {
    const text = 'this needs a client certificate, or a token that is known and has not expired'
    throw new BelayError('token-invalid', text, { wanted: 'authorization: Bearer belay_…' })
  }
  return {
    name: `token ${owner.name}`,
    role: owner.role,
    transport: 'tls',
    request: request.id,
    holder: owner.name,
    isHost: false
  }
}
