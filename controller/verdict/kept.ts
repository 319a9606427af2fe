import type { ErrorCode } from '../../shared/errors.ts'
import { codeOf } from '../../shared/errors.ts'
import type { Evidence } from '../../shared/verdict/evidence.ts'
import { parseEvidence } from '../../shared/verdict/parse.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { KeptEvidence } from '../store/evidence-store.ts'
import { ofHost } from './evidence.ts'

/** Evidence, and when the controller has kept it; null: it was told now. */
export interface Sourced {
  readonly evidence: Evidence
  readonly keptAt: string | null
}

/** Who does not answer now may have told before. What answers and has nothing to tell is an answer. */
const silent: readonly ErrorCode[] = ['host-unreachable', 'request-timeout', 'monitoring-unreachable']

/** What is told now, or what was kept where nobody answers. Throws why nobody did when nothing was kept. */
export async function freshOrKept(
  host: FleetHost,
  fresh: () => Promise<Evidence>,
  kept: () => Promise<KeptEvidence | null>
): Promise<Sourced> {
  try {
    return { evidence: await fresh(), keptAt: null }
  } catch (error) {
    if (!silent.includes(codeOf(error))) throw error
    const found = await kept()
    if (found === null) throw error
    const evidence = ofHost(parseEvidence(found.evidence, `${host.name}, as kept`), host, 'what was kept')
    return { evidence, keptAt: new Date(found.keptAt).toISOString() }
  }
}
