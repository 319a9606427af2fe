import type { KeyObject } from 'node:crypto'
import { createPublicKey, randomBytes } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import type { Extension, Name } from '@peculiar/asn1-x509'
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  TBSCertificate,
  Time,
  Validity,
  Version
} from '@peculiar/asn1-x509'
import { serialText } from '../../shared/x509/revocation-list.ts'
import {
  bufferOf,
  commonName,
  extension,
  keyIdentifier,
  keyInfo,
  signatureAlgorithm,
  signed,
  toPem
} from '../../shared/x509/structure.ts'

/** From when until when something holds, milliseconds since 1970. */
export interface Period {
  readonly from: number
  readonly until: number
}

/** The authority that signs. */
export interface Signer {
  readonly key: KeyObject
  readonly name: string
}

/** What a certificate of ours says. */
export interface Leaf extends Period {
  readonly name: string
  readonly key: KeyObject
  readonly usage: readonly ('server' | 'client')[]
  readonly uri?: string
  readonly dns?: readonly string[]
  readonly addresses?: readonly string[]
}

/** A certificate as it was signed. */
export interface Signed {
  readonly pem: string
  /** Serial number, as `X509Certificate` writes it. */
  readonly serial: string
}

/** The certificate of an authority itself; it signs no other authority. */
export function signAuthority({ key, name }: Signer, period: Period): Signed {
  return signCertificate({ key, name }, { name, key: createPublicKey(key), ...period }, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true)
  ])
}

/** A certificate for a server, a client, or a host, which is both. */
export function signLeaf(signer: Signer, leaf: Leaf): Signed {
  const purposes = leaf.usage.map((usage) => (usage === 'server' ? id_kp_serverAuth : id_kp_clientAuth))
  const names = [
    ...(leaf.uri === undefined ? [] : [new GeneralName({ uniformResourceIdentifier: leaf.uri })]),
    ...(leaf.dns ?? []).map((dNSName) => new GeneralName({ dNSName })),
    ...(leaf.addresses ?? []).map((iPAddress) => new GeneralName({ iPAddress }))
  ]
  return signCertificate(signer, leaf, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage(purposes)),
    extension(id_ce_subjectAltName, new SubjectAlternativeName(names))
  ])
}

function signCertificate(
  signer: Signer,
  { name, key, from, until }: Period & { readonly name: string; readonly key: KeyObject },
  extensions: Extension[]
): Signed {
  const info = keyInfo(key)
  const serial = newSerial()
  const issuer: Name = commonName(signer.name)
  const content = new TBSCertificate({
    version: Version.v3,
    serialNumber: bufferOf(serial),
    signature: signatureAlgorithm(),
    issuer,
    validity: new Validity({ notBefore: new Time(from).getTime(), notAfter: new Time(until).getTime() }),
    subject: commonName(name),
    subjectPublicKeyInfo: info,
    extensions: new Extensions([
      ...extensions,
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(info))),
      extension(id_ce_authorityKeyIdentifier, authorityKey(signer.key))
    ])
  })
  const certificate = new Certificate({
    tbsCertificate: content,
    signatureAlgorithm: signatureAlgorithm(),
    signatureValue: signed(signer.key, AsnConvert.serialize(content))
  })
  return { pem: toPem('CERTIFICATE', AsnConvert.serialize(certificate)), serial: serialText(serial) }
}

/** Names the key of the authority. */
export function authorityKey(key: KeyObject): AuthorityKeyIdentifier {
  const identifier = keyIdentifier(keyInfo(createPublicKey(key)))
  return new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(identifier) })
}

/** 127 random bits, positive and of one length: nobody can guess it, and no counter has to survive. */
function newSerial(): Buffer {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial
}
