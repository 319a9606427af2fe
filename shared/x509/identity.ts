import type { X509Certificate } from 'node:crypto'
import type { ApiRole } from '../server/role.ts'

/** Who a certificate of ours is for: somebody with a role, or a host, which speaks for itself alone. */
export type Identity =
  | { readonly kind: 'role'; readonly role: ApiRole; readonly name: string }
  | { readonly kind: 'host'; readonly name: string }

/** Roles that a certificate can carry, weakest first. */
export const certificateRoles = [
  'observe',
  'propose',
  'approve',
  'operate',
  'admin'
] as const satisfies readonly ApiRole[]

/** Names of persons, programs and hosts in a certificate. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/

/** The identity as it stands in the certificate: one URI of its subjectAltName. */
export function identityUri(identity: Identity): string {
  return identity.kind === 'role'
    ? `belay://role/${identity.role}/${identity.name}`
    : `belay://host/${identity.name}`
}

/** In words, for logs and records. */
export function identityWords(identity: Identity): string {
  return identity.kind === 'role' ? `certificate ${identity.name}` : `host certificate ${identity.name}`
}

/** Reads the URI of an identity; null for anything else. */
export function parseIdentity(uri: string): Identity | null {
  const [, kind, rest = ''] = /^belay:\/\/(role|host)\/(.*)$/.exec(uri) ?? []
  if (kind === 'host') return namePattern.test(rest) ? { kind, name: rest } : null
  if (kind !== 'role') return null
  const [, role, name = ''] = /^([a-z]+)\/(.*)$/.exec(rest) ?? []
  const known = certificateRoles.find((each) => each === role)
  return known !== undefined && namePattern.test(name) ? { kind, role: known, name } : null
}

/**
 * The identity that a certificate carries; null unless there is exactly one. Node quotes a name in which a comma or a
 * quote could pass for the end of it; none of ours needs that, so such a certificate has no identity.
 */
export function identityOf(certificate: X509Certificate): Identity | null {
  const names = certificate.subjectAltName ?? ''
  if (names.includes('"')) return null
  const uris = names.split(', ').filter((name) => name.startsWith('URI:belay:'))
  const [uri, ...more] = uris
  return uri === undefined || more.length > 0 ? null : parseIdentity(uri.slice('URI:'.length))
}
