import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Static } from 'typebox'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/server/log.ts'
import { toProblem } from '../../shared/server/problem.ts'
import { requestId } from '../../shared/server/request-id.ts'
import type { TlsListener } from '../../shared/server/tls/listener.ts'
import { openTls } from '../../shared/server/tls/listener.ts'
import { peerOf } from '../../shared/server/tls/peer.ts'
import { register } from '../api/caller.ts'
import type { MetricsSettings } from '../config/metrics.ts'
import { readWebConfig } from './web-config.ts'

/** What the listener for Prometheus is made from. */
export interface MetricsListenerOptions {
  readonly settings: Static<typeof MetricsSettings>
  /** The agent's API, of which one path is let through. */
  readonly routing: RequestListener
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly now: () => number
}

/** The listener as it is kept: opened when its files are there, and read again when they change. */
export interface MetricsListener {
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
    close() {
      closed = true
      listener?.close()
      listener?.closeAllConnections()
    }
  }
}

async function open({ settings, routing, logger, now }: MetricsListenerOptions): Promise<TlsListener> {
  const { address, port, webConfigFile, crlFile } = settings
  if (address === null || webConfigFile === null) {
    const wanted = 'metrics.webConfigFile: metrics travel over TLS alone'
    throw new BelayError('invalid-config', `metrics.address needs ${wanted}`, { wanted })
  }
  const { files, clients, allowed } = await readWebConfig(webConfigFile)
  return await openTls({
    ...{
      address,
      port,
      clients,
      logger,
      now,
      maxConnections: MAX_CONNECTIONS,
      maxPerAddress: MAX_PER_ADDRESS
    },
    files: { ...files, crlFile },
    handler: (request, response) => {
      try {
        assertMetrics(request, allowed)
      } catch (error) {
        return refuse(request, response, error)
      }
      register(request.socket, 'observe')
      routing(request, response)
    }
  })
}

/** Lets through what asks for metrics, from who may. */
function assertMetrics(
  { method, url = '', socket }: IncomingMessage,
  allowed: readonly string[] | null
): void {
  const certificate = peerOf(socket)?.certificate() ?? null
  if (allowed !== null && !isAllowed(certificate, allowed)) {
    const text = 'none of the names in the certificate may read metrics here'
    throw new BelayError('certificate-without-role', text, { wanted: 'one of client_allowed_sans' })
  }
  if (method === 'GET' && /^\/metrics(?:\?|$)/.test(url)) return
  throw new BelayError('not-found', 'there are metrics here, and nothing else', { wanted: 'GET /metrics' })
}

/** Node quotes a name in which a comma could pass for its end; such a certificate has no name that counts. */
function isAllowed(certificate: X509Certificate | null, allowed: readonly string[]): boolean {
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
