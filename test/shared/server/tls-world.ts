import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SecureVersion } from 'node:tls'
import { codeOf } from '../../../shared/errors.ts'
import { readTlsFiles } from '../../../shared/server/tls/files.ts'
import type { TlsOptions } from '../../../shared/server/tls/listener.ts'
import { openTls } from '../../../shared/server/tls/listener.ts'
import { peerOf } from '../../../shared/server/tls/peer.ts'
import type { Pair } from './authority.ts'
import { testAuthority } from './authority.ts'

/** The part of a test that cleans up after it. */
interface Scope {
  teardown(act: () => unknown): void
}

/** A port that is free at this moment. */
export const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/** Answers with the subject of the caller's certificate, or with the code of what is wrong with it. */
const whoami: RequestListener = (request, response) => {
  try {
    response.end(peerOf(request.socket)?.certificate()?.subject ?? 'nobody')
  } catch (error) {
    response.statusCode = 401
    response.end(codeOf(error))
  }
}

/** A listener on loopback with files that a test rewrites, and a clock that it sets. */
export async function tlsWorld(t: Scope, options: Partial<TlsOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'belay-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const authority = testAuthority()
  const at = (name: string) => join(directory, name)
  const files = {
    certificateFile: at('cert.pem'),
    keyFile: at('key.pem'),
    clientCaFile: at('ca.pem'),
    crlFile: at('crl.pem')
  }
  const write = {
    pair: ({ cert, key }: Pair) => {
      writeFileSync(files.certificateFile, cert)
      writeFileSync(files.keyFile, key)
    },
    authorities: (...certs: string[]) => writeFileSync(files.clientCaFile, certs.join('')),
    revocations: (...lists: string[]) => writeFileSync(files.crlFile, lists.join(''))
  }
  write.pair(authority.server())
  write.authorities(authority.cert)
  write.revocations(authority.revoke([]))
  const port = await freePort()
  const log: string[] = []
  const say = (fields: object, text?: string) => void log.push(`${text} ${JSON.stringify(fields)}`)
  const time = { ahead: 0 }
  const listener = await openTls({
    ...{ address: '127.0.0.1', port, clients: 'optional', maxConnections: 100, maxPerAddress: 100 },
    read: (before) => readTlsFiles(files, before),
    handler: whoami,
    now: () => Date.now() + time.ahead,
    logger: { info: say, warn: say, error: say } as unknown as TlsOptions['logger'],
    ...options
  })
  t.teardown(() => {
    listener.close()
    listener.closeAllConnections()
  })
  return { authority, files, write, port, log, time, listener, client: clientOf(t, port, authority.cert) }
}

/** What a client was told, and by which certificate of the server. */
interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: IncomingHttpHeaders
  readonly reused: boolean
  readonly server: string
}

/** Makes clients, each with one connection that it keeps. */
export function clientOf(t: Scope, port: number, ca: string) {
  return (pair: Pick<Pair, 'cert' | 'key'> | null = null, maxVersion: SecureVersion = 'TLSv1.3') => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    const identity = pair === null ? {} : { cert: pair.cert, key: pair.key }
    /** The answer; or the code with which the connection ended. */
    return (headers: Record<string, string> = {}, path = '/', method = 'GET', body?: string) =>
      new Promise<Answer>((resolve) => {
        const to = { host: '127.0.0.1', port, path, method, agent, ca, headers, maxVersion }
        const req = request({ ...to, ...identity }, (res) => {
          let text = ''
          const certificate = (res.socket as import('node:tls').TLSSocket).getPeerX509Certificate()
          res.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk
          })
          res.on('end', () =>
            resolve({
              status: res.statusCode ?? 0,
              text,
              headers: res.headers,
              reused: req.reusedSocket,
              server: certificate?.serialNumber ?? ''
            })
          )
        })
        req.on('error', (error: NodeJS.ErrnoException) =>
          resolve({
            ...{ status: 0, text: error.code ?? error.message, headers: {} },
            ...{ reused: req.reusedSocket, server: '' }
          })
        )
        req.end(body)
      })
  }
}
