import { AsnConvert } from '@peculiar/asn1-schema'
import {
  CertificateList,
  CRLNumber,
  CRLReason,
  id_ce_authorityKeyIdentifier,
  id_ce_cRLNumber,
  id_ce_cRLReasons,
  RevokedCertificate,
  TBSCertList,
  Time,
  Version
} from '@peculiar/asn1-x509'
import {
  bufferOf,
  commonName,
  extension,
  signatureAlgorithm,
  signed,
  toPem
} from '../../shared/x509/structure.ts'
import type { RevocationReason } from './reasons.ts'
import { revocationReasons } from './reasons.ts'
import type { Period, Signer } from './sign.ts'
import { authorityKey } from './sign.ts'

/** A certificate that no longer counts. */
export interface Revoked {
  readonly serial: string
  readonly at: number
  readonly reason: RevocationReason
}

/** The list of all that no longer counts; each list has a higher number than the one before. */
export function signRevocations(
  signer: Signer,
  revoked: readonly Revoked[],
  list: Period & { number: number }
) {
  const entries = revoked.map(
    ({ serial, at, reason }) =>
      new RevokedCertificate({
        userCertificate: bufferOf(Buffer.from(serial, 'hex')),
        revocationDate: new Time(at),
        // X.509 has no entry say that there is no reason.
        ...(reason === 'unspecified'
          ? {}
          : { crlEntryExtensions: [extension(id_ce_cRLReasons, new CRLReason(revocationReasons[reason]))] })
      })
  )
  const content = new TBSCertList({
    version: Version.v2,
    signature: signatureAlgorithm(),
    issuer: commonName(signer.name),
    thisUpdate: new Time(list.from),
    nextUpdate: new Time(list.until),
    // Nor may an empty list of entries be there.
    ...(entries.length === 0 ? {} : { revokedCertificates: entries }),
    crlExtensions: [
      extension(id_ce_authorityKeyIdentifier, authorityKey(signer.key)),
      extension(id_ce_cRLNumber, new CRLNumber(list.number))
    ]
  })
  const signature = signed(signer.key, AsnConvert.serialize(content))
  const whole = new CertificateList({
    tbsCertList: content,
    signatureAlgorithm: signatureAlgorithm(),
    signature
  })
  return toPem('X509 CRL', AsnConvert.serialize(whole))
}
