import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { request } from 'node:http'
import { BelayError } from '../errors.ts'

/** A server over TLS, and who asks it. */
export interface TlsEndpoint {
  readonly url: URL
  /** Authorities that may have signed its certificate, PEM; null for those of the system. */
  readonly authorities: string | null
  /** Where they were read; for people. */
  readonly caFile: string | null
  readonly certificate: string | null
  readonly key: string | null
  readonly token: string | null
}

/** Where an API answers: on a Unix socket, or over TLS. */
export type Endpoint = string | TlsEndpoint

/** Begins a request. What TLS takes is loaded where it is spoken. */
export function openRequest(
  endpoint: Endpoint,
  options: RequestOptions,
  onResponse: (response: IncomingMessage) => void
): ClientRequest {
  if (typeof endpoint === 'string') return request({ ...options, socketPath: endpoint }, onResponse)
  const { url, authorities, certificate, key, token } = endpoint
  const https = process.getBuiltinModule('node:https')
  return https.request(
    {
      ...options,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || 443,
      path: `${url.pathname.replace(/\/$/, '')}${options.path}`,
      headers: { ...options.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      ...(authorities === null ? {} : { ca: authorities }),
      ...(certificate === null || key === null ? {} : { cert: certificate, key }),
      minVersion: 'TLSv1.3'
    },
    onResponse
  )
}

/** For people. */
export const endpointName = (endpoint: Endpoint): string =>
  typeof endpoint === 'string' ? endpoint : endpoint.url.origin

/** What a request that found no answer means. */
export function unreachable(endpoint: Endpoint, cause: unknown): BelayError {
  return typeof endpoint === 'string' ? socketProblem(endpoint, cause) : tlsProblem(endpoint, cause)
}

function socketProblem(at: string, cause: unknown): BelayError {
  if ((cause as NodeJS.ErrnoException).code === 'EACCES') {
    const wanted = 'root, or a member of the group that the configuration names for this socket'
    return new BelayError('permission-denied', `you may not use ${at}; this needs ${wanted}`, { at, wanted })
  }
  return new BelayError('host-unreachable', `the agent does not answer on ${at}`, { cause, at })
}

function tlsProblem({ url, caFile, certificate }: TlsEndpoint, cause: unknown): BelayError {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const at = url.origin
  const distrust = (text: string, wanted: string) =>
    new BelayError('server-untrusted', `${at}: ${text}`, { cause, at, found: code, wanted })
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return distrust('its certificate is one for other names', `a certificate for ${url.hostname}`)
  if (code === 'CERT_HAS_EXPIRED')
    return distrust('its certificate expired', 'belay pki renew, and a right clock')
  if (code === 'CERT_NOT_YET_VALID') return distrust('its certificate is not valid yet', 'a right clock')
  if (code === 'INVALID_PURPOSE')
    return distrust('its certificate is not that of a server', 'one with --dns or --ip')
  if (/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_)/.test(code)) {
    const by = caFile === null ? 'an authority that this system knows' : `an authority in ${caFile}`
    return distrust(`its certificate is not signed by ${by}`, 'caFile, with the authority of the server')
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    const own = certificate === null ? 'it may want a client certificate' : 'it may refuse your certificate'
    const text = `${at} ended the connection: ${own} (${message})`
    return new BelayError('host-unreachable', text, {
      cause,
      at,
      wanted: 'TLS 1.3, and a certificate that it trusts'
    })
  }
  return new BelayError('host-unreachable', `${at} does not answer`, { cause, at })
}
