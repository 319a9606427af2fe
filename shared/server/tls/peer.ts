import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { BelayError } from '../../errors.ts'
import type { Trust } from './files.ts'

/** Who is at the other end of a connection over TLS. */
export interface Peer {
  /**
   * The certificate that the peer showed, judged by the clock, the authorities and the revocation list of this moment;
   * null where it showed none. Throws when it is no longer good.
   */
  certificate(): X509Certificate | null
}

const peers = new WeakMap<Socket, Peer>()

/** The peer of a connection; undefined for one that is not over TLS. */
export const peerOf = (socket: Socket): Peer | undefined => peers.get(socket)

/** Remembers who is at the other end of a new connection. */
export function registerPeer(socket: TLSSocket, trust: () => Trust, now: () => number): Peer {
  // Read when it is asked for: who only shakes hands, with certificates as large as they like, costs nothing more.
  let known: readonly X509Certificate[] | null = null
  let verifiedBy: Trust | null = null
  const peer: Peer = {
    certificate() {
      known ??= chainOf(socket)
      const chain = known
      const [leaf] = chain
      if (leaf === undefined) return null
      assertInTime(chain, now())
      assertNotRevoked(chain, trust(), now())
      // What OpenSSL found in the handshake. Error or null by type, and the name of an error in fact.
      if (!socket.authorized) throw untrusted(leaf, String(socket.authorizationError))
      if (verifiedBy !== trust()) {
        assertIssued(chain, trust())
        verifiedBy = trust()
      }
      return leaf
    }
  }
  peers.set(socket, peer)
  return peer
}

/**
 * The certificate of the peer and those above it; none where it showed none. Not by `getPeerX509Certificate`, which takes
 * one that the peer sent out of OpenSSL's list and never frees it (Node 24.21, nodejs/node#65579): of any size, by anybody.
 */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
  while (next?.raw !== undefined && chain.length < 10) {
    chain.push(new X509Certificate(next.raw))
    // One that signed itself is its own.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate
  }
  return chain
}

function assertInTime(chain: readonly X509Certificate[], now: number): void {
  for (const { subject, validFromDate, validToDate } of chain) {
    const [from, until] = [validFromDate.getTime(), validToDate.getTime()]
    if (now > until) {
      throw new BelayError('certificate-expired', `the certificate of ${words(subject)} expired`, {
        found: validToDate.toISOString(),
        wanted: 'a certificate that has not expired'
      })
    }
    if (now < from) {
      const wanted = 'a certificate that has begun; see whether both clocks are right'
      throw new BelayError('certificate-untrusted', `the certificate of ${words(subject)} is not valid yet`, {
        found: validFromDate.toISOString(),
        wanted
      })
    }
  }
}

function assertNotRevoked(chain: readonly X509Certificate[], { revocations }: Trust, now: number): void {
  if (revocations === null) return
  const revoked = chain.find(({ serialNumber }) => revocations.serials.has(serialNumber))
  if (revoked !== undefined) {
    throw new BelayError('certificate-revoked', `the certificate of ${words(revoked.subject)} was revoked`, {
      found: revoked.serialNumber,
      wanted: 'a new certificate'
    })
  }
  // Who keeps a list from being replaced must not keep a certificate from being revoked.
  if (now > revocations.until) {
    throw new BelayError('revocation-list-expired', 'the revocation list of this server has expired', {
      found: new Date(revocations.until).toISOString(),
      wanted: 'a newer list'
    })
  }
}

/** After the files changed: the authority of a certificate that was good may be gone. */
function assertIssued(chain: readonly X509Certificate[], { authorities }: Trust): void {
  const isAuthority = (one: X509Certificate) =>
    authorities.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256)
  const isIssued = (one: X509Certificate) =>
    authorities.some((authority) => one.checkIssued(authority) && one.verify(authority.publicKey))
  const [leaf] = chain
  if (leaf === undefined || chain.some((one) => isAuthority(one) || isIssued(one))) return
  throw untrusted(leaf, 'its authority is no longer trusted')
}

function untrusted({ subject }: X509Certificate, found: string): BelayError {
  return new BelayError(
    'certificate-untrusted',
    `the certificate of ${words(subject)} is refused: ${found}`,
    {
      found,
      wanted: 'a client certificate of an authority that this server trusts'
    }
  )
}

const words = (subject: string) => JSON.stringify(subject.slice(0, 200))
