import type { X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { CertificateList } from '@peculiar/asn1-x509'
import { BelayError } from '../errors.ts'
import { fromPem, isSigned } from './structure.ts'

/** What the revocation lists of a file say. */
export interface Revocations {
  /** Serial numbers, as `X509Certificate` writes them. */
  readonly serials: ReadonlySet<string>
  /** When the oldest of the lists was made, and when the first is to be replaced, milliseconds since 1970. */
  readonly from: number
  readonly until: number
}

/** Reads a file of revocation lists, each signed by one of the authorities. Throws `certificate-unusable`. */
export function readRevocations(pem: string, authorities: readonly X509Certificate[]): Revocations {
  const lists = fromPem('X509 CRL', pem)
  if (lists.length === 0) throw unusable('at least one list, PEM')
  const serials = new Set<string>()
  let [from, until] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (const list of lists.map(parsed)) {
    const { tbsCertListRaw: raw, tbsCertList: content, signatureAlgorithm, signature } = list
    const isFrom = ({ publicKey }: X509Certificate) =>
      raw !== undefined && isSigned(publicKey, signatureAlgorithm, raw, signature)
    if (!authorities.some(isFrom)) throw unusable('a list signed by one of the certificate authorities')
    // A list that is never to be replaced cannot be told from one that somebody keeps back.
    if (content.nextUpdate === undefined) throw unusable('a list that says until when it holds')
    from = Math.min(from, content.thisUpdate.getTime().getTime())
    until = Math.min(until, content.nextUpdate.getTime().getTime())
    for (const { userCertificate } of content.revokedCertificates ?? [])
      serials.add(serialText(Buffer.from(userCertificate)))
  }
  return { serials, from, until }
}

/** A serial number as `X509Certificate` writes it: upper case, without what is there for the sign alone. */
export const serialText = (bytes: Buffer): string =>
  bytes
    .toString('hex')
    .toUpperCase()
    .replace(/^(?:00)+(?=..)/, '')

function parsed(der: Buffer): CertificateList {
  try {
    return AsnConvert.parse(der, CertificateList)
  } catch (cause) {
    throw unusable('a revocation list, X.509', cause)
  }
}

function unusable(wanted: string, cause?: unknown): BelayError {
  const text = `the revocation list cannot be used; wanted ${wanted}`
  return new BelayError('certificate-unusable', text, { wanted, ...(cause === undefined ? {} : { cause }) })
}
