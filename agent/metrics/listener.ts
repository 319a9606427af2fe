import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Static } from 'typebox'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/server/log.ts'
import { toProblem } from '../../shared/server/problem.ts'
import { requestId } from '../../shared/server/request-id.ts'
import type { TlsFiles } from '../../shared/server/tls/files.ts'
import type { TlsListener, TlsOptions } from '../../shared/server/tls/listener.ts'
import { openTls } from '../../shared/server/tls/listener.ts'
import type { TlsView } from '../../shared/server/tls/metrics.ts'
import { peerOf } from '../../shared/server/tls/peer.ts'
import { identityOf } from '../../shared/x509/identity.ts'
import { register } from '../api/caller.ts'
import type { MetricsSettings } from '../config/metrics.ts'
import { readWebConfig } from './web-config.ts'

/** What the listener for Prometheus is made from. */
export interface MetricsListenerOptions {
  readonly settings: Static<typeof MetricsSettings>
  /** The certificate that this host was given, for where no web-config file is named. */
  readonly enrolled: TlsFiles
  /** The agent's API, of which one path is let through. */
  readonly routing: RequestListener
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly now: () => number
}

/** The listener as it is kept: opened when its files are there, and read again when they change. */
export interface MetricsListener extends TlsView {
  /** To be called again and again. Never throws: an agent without metrics still has to roll back. */
  tick(): Promise<void>
  close(): void
}

/** Prometheus, and whoever looks after it. */
const MAX_CONNECTIONS = 64
const MAX_PER_ADDRESS = 16

/** Opens the listener for Prometheus, and goes on trying while it cannot be. */
export function metricsListener(options: MetricsListenerOptions): MetricsListener {
  const { logger } = options
  let listener: TlsListener | null = null
  let problem: string | null = null
  let closed = false
  return {
    async tick() {
      if (listener !== null) return await listener.refresh()
      try {
        const opened = await open(options)
        if (closed) return void opened.close()
        listener = opened
        problem = null
        const { address, port } = options.settings
        logger.info({ address, port }, 'metrics are given over TLS')
      } catch (error) {
        const text = describeError(error)
        if (text !== problem) logger.error({ problem: text }, 'metrics are not given over TLS')
        problem = text
      }
    },
    expiries: () => listener?.expiries() ?? [],
    problem: () => (listener === null ? problem : listener.problem()),
    connections: () => listener?.connections() ?? 0,
    close() {
      closed = true
      listener?.close()
      listener?.closeAllConnections()
    }
  }
}

async function open(options: MetricsListenerOptions): Promise<TlsListener> {
  const { settings, routing, logger, now } = options
  const { address, port } = settings
  const { files, clients, mayRead } = await accessOf(options)
  return await openTls({
    ...{ address: address ?? '', port, files, clients, logger, now },
    ...{ maxConnections: MAX_CONNECTIONS, maxPerAddress: MAX_PER_ADDRESS },
    handler: (request, response) => {
      try {
        assertMetrics(request, mayRead)
      } catch (error) {
        return refuse(request, response, error)
      }
      register(request.socket, 'observe')
      routing(request, response)
    }
  })
}

interface Access extends Pick<TlsOptions, 'files' | 'clients'> {
  readonly mayRead: (certificate: X509Certificate | null) => boolean
}

/** By a web-config file; without one by the certificate of this host, for whoever has a role. */
async function accessOf({ settings, enrolled }: MetricsListenerOptions): Promise<Access> {
  const { webConfigFile, crlFile } = settings
  if (webConfigFile === null) {
    const mayRead = (one: X509Certificate | null) => one !== null && identityOf(one)?.kind === 'role'
    return { files: enrolled, clients: 'required', mayRead }
  }
  const { files, clients, allowed } = await readWebConfig(webConfigFile)
  const mayRead = (one: X509Certificate | null) => allowed === null || isNamed(one, allowed)
  return { files: { ...files, crlFile }, clients, mayRead }
}

/** Lets through what asks for metrics, from who may. */
function assertMetrics({ method, url = '', socket }: IncomingMessage, mayRead: Access['mayRead']): void {
  if (!mayRead(peerOf(socket)?.certificate() ?? null)) {
    const text = 'none of the names in the certificate may read metrics here'
    const wanted = 'one of client_allowed_sans, or belay://role/observe/NAME'
    throw new BelayError('certificate-without-role', text, { wanted })
  }
  if (method === 'GET' && /^\/metrics(?:\?|$)/.test(url)) return
  throw new BelayError('not-found', 'there are metrics here, and nothing else', { wanted: 'GET /metrics' })
}

/** Node quotes a name in which a comma could pass for its end; such a certificate has no name that counts. */
function isNamed(certificate: X509Certificate | null, allowed: readonly string[]): boolean {
  const names = certificate?.subjectAltName ?? ''
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
