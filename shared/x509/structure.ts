import type { KeyObject } from 'node:crypto'
import { createHash, sign, verify } from 'node:crypto'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  Extension,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo
} from '@peculiar/asn1-x509'

/** What certificates, requests and revocation lists have in common. */

/** ecdsa-with-SHA256: all keys here are on the curve P-256, which every TLS library knows. */
const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
export const signatureAlgorithm = () => new AlgorithmIdentifier({ algorithm: ECDSA_SHA256 })

/** Signs the encoded part of a structure. */
export const signed = (key: KeyObject, bytes: ArrayBuffer): ArrayBuffer =>
  bufferOf(sign('sha256', Buffer.from(bytes), key))

/** True when the encoded part of a structure was signed by a key, by the one algorithm used here. */
export function isSigned(
  key: KeyObject,
  algorithm: AlgorithmIdentifier,
  bytes: ArrayBuffer,
  signature: ArrayBuffer
) {
  if (algorithm.algorithm !== ECDSA_SHA256 || key.asymmetricKeyType !== 'ec') return false
  return verify('sha256', Buffer.from(bytes), key, Buffer.from(signature))
}

/** A name that has a common name alone. */
export function commonName(text: string): Name {
  const value = new AttributeValue({ utf8String: text })
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: '2.5.4.3', value })])])
}

/** An extension around its encoded value. */
export function extension(extnID: string, value: unknown, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })
}

/** A public key as it stands in certificates. */
export const keyInfo = (key: KeyObject): SubjectPublicKeyInfo =>
  AsnConvert.parse(key.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo)

/** Identifier of a key: by it a certificate names the key that signed it. */
export const keyIdentifier = (info: SubjectPublicKeyInfo): ArrayBuffer =>
  bufferOf(createHash('sha1').update(Buffer.from(info.subjectPublicKey)).digest())

/** Bytes as a buffer of their own. */
export const bufferOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer

/** Bytes as PEM. */
export function toPem(label: string, bytes: ArrayBuffer): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** The blocks of a PEM text that have a label, decoded; whatever stands around them is left out. */
export function fromPem(label: string, text: string): Buffer[] {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----`, 'g')
  return [...text.matchAll(block)].map(([, body = '']) => Buffer.from(body, 'base64'))
}
