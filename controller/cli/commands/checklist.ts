import { agentClient } from '../../../shared/agent-client/client.ts'
import { BelayError } from '../../../shared/errors.ts'
import { parseStorePath } from '../../../shared/store-path.ts'
import { inCache } from '../../cache/evidence.ts'
import type { Item } from '../../checklist/judge.ts'
import { judge } from '../../checklist/judge.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Options of `belay checklist`. */
export interface ChecklistOptions extends GlobalOptions {
  readonly path?: string
  readonly drillDays: number
}

/** The production checklist of one host. */
export interface Checklist {
  readonly host: string
  readonly storePath: string
  readonly ok: boolean
  readonly items: readonly Item[]
}

/** Milliseconds for one question; preflight has a limit of its own. */
const LIMIT = 60_000

/** Collects the evidence of the production checklist from a host and from the caches. Changes nothing. */
export async function checklist(name: string, options: ChecklistOptions, wiring: Wiring): Promise<Checklist> {
  const { fleet, caches } = await loadInventory(options.fleet, wiring)
  const [host] = selectHosts(fleet, [name])
  if (host === undefined) throw new BelayError('invalid-request', `no host ${name}`)
  const { run, signal, openTunnel, clock } = wiring
  await using tunnel = await openTunnel(host, signal)
  const client = agentClient(tunnel.socketPath, LIMIT)
  const running = (await client.host()).profiles.find(({ profile }) => profile === 'system')?.running
  const storePath = parseStorePath(options.path ?? running ?? '')
  const [preflight, { operations }, { checks }, { generations }, { approvals }] = await Promise.all([
    client.preflight(storePath, 'switch'),
    client.operations(),
    client.checks(),
    client.generations(),
    client.approvals()
  ])
  const asked = Object.entries(caches).flatMap(([cache, { url }]) =>
    url === undefined ? [] : [inCache({ name: cache, url }, storePath, run, signal)]
  )
  const items = judge({
    ...{ storePath, preflight, operations, checks, generations, approvals },
    ...{ caches: await Promise.all(asked), nowMs: clock.now(), drillDays: options.drillDays }
  })
  return { host: name, storePath, ok: items.every(({ result }) => result === 'pass'), items }
}
