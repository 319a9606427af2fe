import { certificateExpiryKind } from './certificate-expiry.ts'
import { dnsKind } from './dns.ts'
import { httpKind } from './http.ts'
import type { Kind, NetworkWorld } from './kind.ts'
import { tcpKind } from './tcp.ts'

/** The kinds that look over the network. Where they do, the network half looks: agent/network. */
export const networkKinds = {
  http: httpKind,
  tcp: tcpKind,
  dns: dnsKind,
  'certificate-expiry': certificateExpiryKind
} as const satisfies Record<string, Kind<NetworkWorld>>
