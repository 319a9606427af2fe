import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import { Attributes, CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr'
import { AsnConvert } from '@peculiar/asn1-schema'
import { BelayError } from '../errors.ts'
import { commonName, fromPem, isSigned, keyInfo, signatureAlgorithm, signed, toPem } from './structure.ts'

const LABEL = 'CERTIFICATE REQUEST'

/** A request for a certificate (PKCS #10): proof that whoever sends it has the private key. */
export function makeRequest(privateKey: KeyObject, name: string): string {
  const info = new CertificationRequestInfo({
    subject: commonName(name),
    subjectPKInfo: keyInfo(createPublicKey(privateKey)),
    attributes: new Attributes()
  })
  const signature = signed(privateKey, AsnConvert.serialize(info))
  const request = new CertificationRequest({ certificationRequestInfo: info, signature })
  request.signatureAlgorithm = signatureAlgorithm()
  return toPem(LABEL, AsnConvert.serialize(request))
}

/**
 * The public key of a request, proven to be the sender's. Nothing else of it counts: who a certificate is for is decided
 * by whoever signs it. Throws `certificate-unusable`.
 */
export function readRequest(pem: string): KeyObject {
  const [der, ...more] = fromPem(LABEL, pem)
  if (der === undefined || more.length > 0) throw unusable('one request for a certificate, PEM')
  const { request, key } = parsed(der)
  const { certificationRequestInfoRaw: raw, signatureAlgorithm: algorithm, signature } = request
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw unusable('a key on the curve P-256')
  if (raw === undefined || !isSigned(key, algorithm, raw, signature))
    throw unusable('a request signed by the key that it is for')
  return key
}

function parsed(der: Buffer): { readonly request: CertificationRequest; readonly key: KeyObject } {
  try {
    const request = AsnConvert.parse(der, CertificationRequest)
    const info = AsnConvert.serialize(request.certificationRequestInfo.subjectPKInfo)
    return { request, key: createPublicKey({ key: Buffer.from(info), format: 'der', type: 'spki' }) }
  } catch (cause) {
    throw unusable('a request for a certificate, PKCS #10', cause)
  }
}

function unusable(wanted: string, cause?: unknown): BelayError {
  const text = `the request for a certificate cannot be used; wanted ${wanted}`
  return new BelayError('certificate-unusable', text, { wanted, ...(cause === undefined ? {} : { cause }) })
}
