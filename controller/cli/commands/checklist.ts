import { BelayError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { buildHost } from '../../build/build.ts'
import { evidenceOf } from '../../checklist/evidence.ts'
import type { Item } from '../../checklist/judge.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { hostClient } from '../../transport/host-client.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { OnLine } from './build.ts'

/** Options of `belay checklist`. */
export interface ChecklistOptions extends GlobalOptions {
  readonly path?: string
  /** For the generation that the flake has now. */
  readonly next?: true
  readonly drillDays: number
}

/** The production checklist of one host. */
export interface Checklist {
  readonly host: string
  readonly storePath: string
  readonly ok: boolean
  readonly items: readonly Item[]
}

/** Milliseconds for one question. */
const LIMIT = 60_000

/** Collects the evidence of the production checklist from a host and from the caches. Changes nothing. */
export async function checklist(
  name: string,
  options: ChecklistOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<Checklist> {
  const { fleet, caches } = await loadInventory(options.fleet, wiring)
  const [host] = selectHosts(fleet, [name])
  if (host === undefined) throw new BelayError('invalid-request', `no host ${name}`)
  const { run, signal, openTunnel, clock } = wiring
  const next = options.next ? await buildHost(host, { run, signal, now: clock.now, onLine }) : null
  await using tunnel = await openTunnel(host, signal)
  const running = async () =>
    (await hostClient(tunnel.socketPath, LIMIT).host()).profiles.find(({ profile }) => profile === 'system')
      ?.running
  const storePath = parseStorePath(options.path ?? next?.storePath ?? (await running()) ?? '')
  const ports = { run, signal, caches, now: clock.now }
  const items = await evidenceOf(tunnel.socketPath, storePath, options.drillDays, ports)
  return { host: name, storePath, ok: items.every(({ result }) => result === 'pass'), items }
}
