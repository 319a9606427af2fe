import { BelayError } from '../../../shared/errors.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { uploadVars } from '../../secrets/upload.ts'
import { hostClient } from '../../transport/host-client.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { HostDone, OnLine } from './build.ts'
import { settle } from './build.ts'

/** What a host says of its secrets, behind the upload. */
export interface Uploaded {
  readonly evidence: string
}

/** Milliseconds for one question. */
const LIMIT = 60_000

/** Uploads the secrets of some hosts, one after the other, and asks each whether it can decrypt what it runs. */
export async function varsUpload(
  names: readonly string[],
  options: GlobalOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<HostDone<Uploaded>[]> {
  const { fleet, flake, vars } = await loadInventory(options.fleet, wiring)
  const from = { flake, known: fleet.hosts.map(({ name }) => name) }
  const done: HostDone<Uploaded>[] = []
  for (const host of selectHosts(fleet, names)) {
    const work = async () => {
      await uploadVars(host, vars ?? {}, from, { ...wiring, onLine })
      return { evidence: await decryptable(host, wiring) }
    }
    done.push(await settle(host.name, wiring.signal, work()))
  }
  return done
}

/** What preflight of the agent says of the secrets of what runs. */
async function decryptable(host: FleetHost, { openTunnel, signal }: Wiring): Promise<string> {
  await using tunnel = await openTunnel(host, signal)
  const client = hostClient(tunnel.socketPath, LIMIT)
  const running = (await client.host()).profiles.find(({ profile }) => profile === 'system')?.running
  if (running == null) return 'no system runs there'
  const { checks } = await client.preflight(running, 'switch')
  const check = checks.find(({ name }) => name === 'secrets')
  if (check?.result !== 'fail') return check?.evidence ?? 'the agent does not look at secrets'
  throw new BelayError('secrets-wrong', `uploaded, and the host still cannot use them: ${check.evidence}`, {
    ...{ found: check.evidence, at: host.name }
  })
}
