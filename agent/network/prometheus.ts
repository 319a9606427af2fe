import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BelayError, describeError } from '../../shared/errors.ts'
import { toProblem } from '../../shared/server/problem.ts'
import { requestId } from '../../shared/server/request-id.ts'
import { tlsMaterial } from '../../shared/server/tls/files.ts'
import type { TlsListener } from '../../shared/server/tls/listener.ts'
import { openTls } from '../../shared/server/tls/listener.ts'
import { peerOf } from '../../shared/server/tls/peer.ts'
import { identityOf } from '../../shared/x509/identity.ts'
import type { ListenerOrder, Readers, Said } from './records.ts'

/** What the listener asks of the agent, and tells it. */
export interface Agent {
  /** The metrics; null where there are none now. */
  readonly metrics: () => Promise<string | null>
  readonly note: (note: Omit<Extract<Said, { type: 'note' }>, 'type'>) => void
}

/** The listener as it is kept. */
export interface Prometheus {
  /** Makes it as it is wanted now. Never rejects; an order comes after the one before was carried out. */
  follow(order: ListenerOrder): Promise<Pick<Extract<Said, { type: 'listening' }>, 'expiries' | 'problem'>>
  connections(): number
}

/** Prometheus, and whoever looks after it. */
const MAX_CONNECTIONS = 64
const MAX_PER_ADDRESS = 16

/** Listens for Prometheus, in the network half: opened by the first order, and made anew where it is to be elsewhere. */
export function prometheus(agent: Agent): Prometheus {
  let listener: TlsListener | null = null
  let current: ListenerOrder | null = null
  const close = () => {
    listener?.close()
    listener?.closeAllConnections()
    listener = null
  }
  const handler = answering(agent, () => current?.readers ?? { names: [] })
  return {
    async follow(order) {
      if (current === null || !isSamePlace(current, order)) close()
      current = order
      try {
        if (listener === null) listener = await open(agent, () => current ?? order, handler)
        else await listener.refresh()
        return { expiries: [...listener.expiries()], problem: listener.problem() }
      } catch (error) {
        return { expiries: [], problem: describeError(error).slice(0, 1000) }
      }
    },
    connections: () => listener?.connections() ?? 0
  }
}

const isSamePlace = (a: ListenerOrder, b: ListenerOrder) =>
  a.address === b.address && a.port === b.port && a.clients === b.clients

async function open(
  agent: Agent,
  order: () => ListenerOrder,
  handler: (request: IncomingMessage, response: ServerResponse) => void
): Promise<TlsListener> {
  const { address, port, clients } = order()
  const note = (level: 'info' | 'warn' | 'error') => (fields: object, text: string) =>
    agent.note({ level, text: text.slice(0, 200), detail: JSON.stringify(fields).slice(0, 1000) })
  return await openTls({
    ...{ address, port, clients, handler, now: Date.now },
    ...{ maxConnections: MAX_CONNECTIONS, maxPerAddress: MAX_PER_ADDRESS },
    read: (before) => {
      const { certificate: cert, key, authorities: ca, revocations: crl } = order()
      return tlsMaterial({ cert, key, ca, crl }, names, before)
    },
    logger: { info: note('info'), warn: note('warn'), error: note('error') }
  })
}

/** What the texts are called where something is wrong with one of them. */
const names = {
  certificateFile: 'the certificate',
  keyFile: 'the key',
  clientCaFile: 'the list of authorities',
  crlFile: 'the revocation list'
}

/** Answers who asks for metrics and may. Whoever asks while they are made waits for the same ones. */
function answering(agent: Agent, readers: () => Readers) {
  let asked: Promise<string | null> | null = null
  const metrics = () => {
    asked ??= agent.metrics().finally(() => {
      asked = null
    })
    return asked
  }
  return async (request: IncomingMessage, response: ServerResponse) => {
    try {
      assertMetrics(request, readers())
      const text = await metrics()
      if (text === null) throw new BelayError('internal', 'the agent gives no metrics now')
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text)
    } catch (error) {
      refuse(request, response, error)
    }
  }
}

/** Lets through what asks for metrics, from who may. */
function assertMetrics({ method, url = '', socket }: IncomingMessage, readers: Readers): void {
  if (!mayRead(peerOf(socket)?.certificate() ?? null, readers)) {
    const text = 'none of the names in the certificate may read metrics here'
    const wanted = 'one of client_allowed_sans, or belay://role/observe/NAME'
    throw new BelayError('certificate-without-role', text, { wanted })
  }
  if (method === 'GET' && /^\/metrics(?:\?|$)/.test(url)) return
  throw new BelayError('not-found', 'there are metrics here, and nothing else', { wanted: 'GET /metrics' })
}

function mayRead(certificate: X509Certificate | null, readers: Readers): boolean {
  if (readers === 'anybody') return true
  if (certificate === null) return false
  return readers === 'roles' ? identityOf(certificate)?.kind === 'role' : isNamed(certificate, readers.names)
}

/** Node quotes a name in which a comma could pass for its end; such a certificate has no name that counts. */
function isNamed({ subjectAltName: names = '' }: X509Certificate, allowed: readonly string[]): boolean {
  if (names.includes('"')) return false
  return names
    .split(', ')
    .some((name) => allowed.includes(name.replace(/^(?:DNS|URI|IP Address|email):/, '')))
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const problem = toProblem(error, requestId(request))
  response.writeHead(problem.status, { 'content-type': 'application/problem+json', connection: 'close' })
  response.end(JSON.stringify(problem))
}
