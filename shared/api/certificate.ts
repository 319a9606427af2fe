import type { Static } from 'typebox'
import { Type } from 'typebox'

const closed = { additionalProperties: false } as const
const pem = (description: string) => Type.String({ description, minLength: 1, maxLength: 30_000 })

export const CertificateRequest = Type.Object(
  { request: pem('Request for a certificate (PKCS #10), PEM; its key stays on the host') },
  {
    $id: 'CertificateRequest',
    ...closed,
    description: 'A key that the host has made, and proof that it has it'
  }
)
export type CertificateRequest = Static<typeof CertificateRequest>

export const CertificateInstall = Type.Object(
  {
    certificate: Type.Optional(pem('Certificate for the key that the host made last, PEM')),
    authorities: pem('Whose certificates count for this host, PEM'),
    revocations: pem('What these revoked, PEM')
  },
  { $id: 'CertificateInstall', ...closed, description: 'What an authority signed for this host' }
)
export type CertificateInstall = Static<typeof CertificateInstall>

export const HostCertificate = Type.Object(
  {
    serial: Type.String({ description: 'Serial number, hexadecimal' }),
    from: Type.String({ description: 'From when it holds, RFC 3339' }),
    until: Type.String({ description: 'Until when it holds, RFC 3339' }),
    listUntil: Type.String({ description: 'Until when the revocation list holds, RFC 3339' })
  },
  { $id: 'HostCertificate', ...closed, description: 'The certificate of this host' }
)
export type HostCertificate = Static<typeof HostCertificate>

export const HostCertificateState = Type.Object(
  { certificate: Type.Union([Type.Unsafe<HostCertificate>(Type.Ref('HostCertificate')), Type.Null()]) },
  { $id: 'HostCertificateState', ...closed, description: 'The certificate, or null where the host has none' }
)
export type HostCertificateState = Static<typeof HostCertificateState>
