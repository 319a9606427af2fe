import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { CertificateInstall, CertificateRequest } from '../../../shared/api/certificate.ts'
import type { ErrorCode } from '../../../shared/errors.ts'
import { BelayError, codeOf, describeError } from '../../../shared/errors.ts'
import { readRequest } from '../../../shared/x509/request.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { Authority } from '../../pki/authority.ts'
import { authorityFiles } from '../../pki/authority.ts'
import type { Issued } from '../../pki/records.ts'
import { daysOf, standingOf } from '../../pki/standing.ts'
import { hostClient } from '../../transport/host-client.ts'
import type { Wiring } from '../wiring.ts'
import type { PkiOptions } from './pki.ts'

/** Options of `belay pki enroll`. */
export interface EnrollOptions extends PkiOptions {
  /** Every host that has a certificate: another one where half of its life is over, the newest list anyway. */
  readonly due?: boolean
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly days: number
}

/** What became of one host. */
export interface Enrolled {
  readonly host: string
  readonly ok: boolean
  /** The new certificate; null where the list alone was brought, or nothing. */
  readonly issued: Issued | null
  readonly error: { readonly code: ErrorCode; readonly message: string } | null
}

/** Gives hosts certificates over ssh: the key is made on the host, and the name is that of the fleet file. */
export async function enroll(
  authority: Authority,
  names: readonly string[],
  options: EnrollOptions,
  { run, openTunnel, clock, signal }: Wiring
): Promise<Enrolled[]> {
  const { fleet } = await loadInventory(options.fleet, { run, signal })
  // The oldest that was not replaced is what the host has: of a newer one nobody knows whether it got there.
  const held = new Map(
    authority.issued
      .filter(isOfHost)
      .toReversed()
      .map((one) => [one.name, one])
  )
  if (options.due !== true && names.length === 0) {
    const wanted = 'names of hosts, or --due'
    throw new BelayError('invalid-request', `which hosts? wanted ${wanted}`, { wanted })
  }
  const chosen = selectHosts(fleet, names).filter(({ name }) => options.due !== true || held.has(name))
  const list = await authority.writeList()
  const done: Enrolled[] = []
  for (const host of chosen) {
    signal.throwIfAborted()
    const before = held.get(host.name)
    const still = options.due === true && before !== undefined && standingOf(before, clock.now()) === 'good'
    try {
      await using tunnel = await openTunnel(host, signal)
      const client = hostClient(tunnel.socketPath, 30_000)
      const bring = async (certificate?: string) => {
        const authorities = await readFile(authorityFiles(options.pki).certificate, 'utf8')
        const body: CertificateInstall = {
          authorities,
          revocations: list,
          ...(certificate ? { certificate } : {})
        }
        await client.call('PUT', '/v1/certificate', body)
      }
      let issued: Issued | null = null
      if (still) await bring()
      else {
        const { request } = await client.call<CertificateRequest>('POST', '/v1/certificate/request')
        const made = await authority.issue(wantedOf(host, request, options, before))
        await bring(made.pem)
        await authority.delivered(made.issued)
        issued = made.issued
      }
      done.push({ host: host.name, ok: true, issued, error: null })
    } catch (error) {
      signal.throwIfAborted()
      const problem = { code: codeOf(error), message: describeError(error) }
      done.push({ host: host.name, ok: false, issued: null, error: problem })
    }
  }
  return done
}

const isOfHost = ({ kind, replaced, revoked }: Issued) => kind === 'host' && !replaced && revoked === null

/** Names and addresses are what ssh connects to and what the command line adds; the host has no say in them. */
function wantedOf(host: FleetHost, request: string, { dns, ip, days }: EnrollOptions, before?: Issued) {
  const address = host.ssh.host
  const isAddress = isIP(address) !== 0
  return {
    ...{ kind: 'host' as const, name: host.name, role: null, file: null, key: readRequest(request) },
    days: before === undefined ? days : daysOf(before),
    dns: unique([host.name, ...(isAddress ? [] : [address]), ...(dns ?? before?.dns ?? [])]),
    addresses: unique([...(isAddress ? [address] : []), ...(ip ?? before?.addresses ?? [])])
  }
}

const unique = (names: readonly string[]) => [...new Set(names)]
