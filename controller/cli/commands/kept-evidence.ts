import { codeOf } from '../../../shared/errors.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import type { KeptEvidence } from '../../store/evidence-store.ts'
import type { ServerOptions } from '../server.ts'
import { findServer } from '../server.ts'

/** The evidence that a daemon has kept of a host; null where there is no daemon, or it has none. */
export async function keptByServer(host: FleetHost, options: ServerOptions): Promise<KeptEvidence | null> {
  const server = await findServer(options)
  if (server === null) return null
  try {
    return await server.call<KeptEvidence>('observe', 'GET', `/v1/hosts/${host.name}/evidence`)
  } catch (error) {
    if (['no-soak', 'host-unknown', 'not-found'].includes(codeOf(error))) return null
    throw error
  }
}
