import { constants } from 'node:crypto'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { BelayError, describeError } from '../../errors.ts'
import type { Notes } from '../log.ts'
import { httpLimits } from '../unix-socket.ts'
import { limitAddresses } from './addresses.ts'
import type { Expiry } from './expiry.ts'
import { expiriesOf, expiryWarner } from './expiry.ts'
import type { TlsMaterial } from './files.ts'
import type { Peer } from './peer.ts'
import { registerPeer } from './peer.ts'

/** What a listener over TLS is made from. */
export interface TlsOptions {
  readonly address: string
  readonly port: number
  /** What is to be used now; what was used before where nothing changed. Throws `certificate-unusable`. */
  readonly read: (before: TlsMaterial | null) => Promise<TlsMaterial>
  /** Whether clients show a certificate; without one, whoever answers decides what they may do. */
  readonly clients: 'none' | 'optional' | 'required'
  readonly maxConnections: number
  /** Of these so many from one address. */
  readonly maxPerAddress: number
  readonly handler: RequestListener
  readonly now: () => number
  readonly logger: Notes
}

/** A listener over TLS, which reads its certificates anew without cutting anybody off. */
export interface TlsListener extends Pick<Server, 'close' | 'closeAllConnections'> {
  /** Reads what changed on the disk, and cuts the connections whose certificate is no longer good. To be called often. */
  refresh(): Promise<void>
  expiries(): readonly Expiry[]
  /** Why what is on the disk is not used; null where it is. */
  problem(): string | null
  connections(): number
}

/** Milliseconds for a handshake. */
const HANDSHAKE_MS = 4000

/**
 * TLS 1.3 and nothing older. No tickets: who resumes a session shows no certificate again, and an expired one would go
 * on being accepted.
 */
const protocol = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_TICKET
} as const

/** Opens a listener. Throws `certificate-unusable`, or `invalid-config` where nobody can listen there. */
export async function openTls(options: TlsOptions): Promise<TlsListener> {
  const { read, clients, handler, now, logger, maxConnections, maxPerAddress } = options
  let material = await read(null)
  let problem: string | null = null
  const warn = expiryWarner(logger)
  const peers = new Map<TLSSocket, Peer>()
  const server = createServer(
    {
      ...httpLimits,
      ...protocol,
      ...material.secrets,
      handshakeTimeout: HANDSHAKE_MS,
      requestCert: clients !== 'none',
      rejectUnauthorized: clients === 'required',
      ALPNProtocols: ['http/1.1']
    },
    handler
  )
  server.maxConnections = maxConnections
  limitAddresses(server, maxPerAddress)
  server.on('secureConnection', (socket) => {
    peers.set(
      socket,
      registerPeer(socket, () => material.trust, now)
    )
    socket.on('close', () => peers.delete(socket))
  })
  const readAgain = async () => {
    const next = await read(material)
    if (next === material) return
    server.setSecureContext({ ...protocol, ...next.secrets })
    material = next
    logger.info({ certificate: next.certificate.serialNumber }, 'the certificates were read again')
  }
  warn(expiriesOf(material), now())
  await bind(server, options)
  return {
    close: () => server.close(),
    closeAllConnections: () => server.closeAllConnections(),
    expiries: () => expiriesOf(material),
    problem: () => problem,
    connections: () => peers.size,
    async refresh() {
      const failed = await readAgain().then(() => null, describeError)
      // Between two files of a new pair this is so for a moment.
      if (failed !== null && failed !== problem)
        logger.error({ problem: failed }, 'certificates on the disk are not used, those of before are')
      problem = failed
      warn(expiriesOf(material), now())
      for (const [socket, peer] of peers) if (!isGood(peer)) socket.destroy()
    }
  }
}

function isGood(peer: Peer): boolean {
  try {
    peer.certificate()
    return true
  } catch {
    return false
  }
}

async function bind(
  server: Server | ReturnType<typeof createServer>,
  { address, port }: TlsOptions
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  }).catch((cause: Error) => {
    const text = `no listener on ${address} port ${port}: ${cause.message}`
    throw new BelayError('invalid-config', text, { cause, at: address })
  })
  // What goes wrong with one connection ends that one alone.
  server.on('tlsClientError', (_: Error, socket: Socket) => socket.destroy())
}
