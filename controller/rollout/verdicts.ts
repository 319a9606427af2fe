import type { RolloutPlan } from '../../shared/api/rollout.ts'
import { describeError } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { decisionsFile, readDecisions } from '../verdict/decisions.ts'
import { evidenceOfHost } from '../verdict/evidence.ts'
import { verdictOf } from '../verdict/report.ts'
import type { Verdict } from './observation.ts'

/** What verdicts need from outside. */
export interface VerdictPorts {
  readonly plan: RolloutPlan
  readonly fleetFile: string
  readonly openTunnel: OpenTunnel
  readonly now: () => number
  readonly note: (host: string, message: string) => void
}

const words = {
  GO: 'go',
  'CONDITIONAL GO': 'conditional-go',
  'NO-GO': 'no-go',
  'INSUFFICIENT EVIDENCE': 'insufficient-evidence'
} as const satisfies Record<string, Verdict>

/** Verdicts on hosts of stages that need one, as `belay verdict` gives them; a person's NO-GO counts above all. */
export function verdictSource({ plan, fleetFile, openTunnel, now, note }: VerdictPorts) {
  const judged = new Set(plan.stages.filter(({ verdict }) => verdict !== 'none').map(({ name }) => name))
  const wanted = new Set(plan.hosts.filter(({ stage }) => judged.has(stage)).map(({ name }) => name))
  return async (host: FleetHost, storePath: string, signal: AbortSignal): Promise<Verdict | null> => {
    if (!wanted.has(host.name)) return null
    try {
      const evidence = await evidenceOfHost(host, openTunnel, signal, now())
      // The soak of what ran before says nothing about this generation.
      if (evidence.storePath !== storePath) return null
      const records = await readDecisions(decisionsFile(fleetFile))
      const { verdict, decision } = verdictOf(host, { evidence, keptAt: null }, records, now())
      return decision?.decision === 'no-go' ? 'no-go' : words[verdict.verdict]
    } catch (error) {
      signal.throwIfAborted()
      note(host.name, `no verdict: ${describeError(error)}`)
      return null
    }
  }
}
