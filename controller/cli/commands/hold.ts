import type { Hold, HoldState } from '../../../shared/api/hold.ts'
import { BelayError } from '../../../shared/errors.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { hostClient } from '../../transport/host-client.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import { operatorName } from './who.ts'

/** Options of `belay hold` and `belay release`. */
export interface HoldOptions extends GlobalOptions {
  readonly reason: string
}

/** What keeps the host back now, and what did before. */
export interface HoldChange {
  readonly host: string
  readonly hold: Hold | null
  readonly before: Hold | null
}

/** Has a host refuse activations until the release. Who asks stands in the reason: the host knows only its socket. */
export async function hold(name: string, options: HoldOptions, wiring: Wiring): Promise<HoldChange> {
  return change(name, options, wiring, (client) => client.hold(`${options.reason} (${operatorName()})`))
}

/** Lets activations in again. */
export async function release(name: string, options: HoldOptions, wiring: Wiring): Promise<HoldChange> {
  return change(name, options, wiring, (client) =>
    client.call<HoldState>('DELETE', '/v1/hold', { reason: `${options.reason} (${operatorName()})` })
  )
}

async function change(
  name: string,
  { fleet: file }: HoldOptions,
  wiring: Wiring,
  act: (client: ReturnType<typeof hostClient>) => Promise<{ readonly hold: Hold | null }>
): Promise<HoldChange> {
  const [host] = selectHosts((await loadInventory(file, wiring)).fleet, [name])
  if (host === undefined) throw new BelayError('invalid-request', `no host ${name}`, { found: name })
  await using tunnel = await wiring.openTunnel(host, wiring.signal)
  const client = hostClient(tunnel.socketPath)
  const before = (await client.host()).hold
  return { host: name, hold: (await act(client)).hold, before }
}
