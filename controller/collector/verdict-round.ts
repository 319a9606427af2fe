import pLimit from 'p-limit'
import type { HostVerdictSummary } from '../../shared/api/controller.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { decisionsFile, readDecisions } from '../verdict/decisions.ts'
import { evidenceOfHost } from '../verdict/evidence.ts'
import { verdictOf } from '../verdict/report.ts'
import type { Keeper } from './keeper.ts'

/** What a round of verdicts needs. */
export interface VerdictRound {
  readonly hosts: ReadonlyMap<string, FleetHost>
  readonly fleetFile: string
  readonly keeper: Keeper
  readonly lend: OpenTunnel
  readonly now: () => number
  readonly signal: AbortSignal
  readonly note: (host: string, message: string) => void
}

/** Hosts whose evidence is fetched at the same time; it may be long. */
const PARALLEL = 4

/** Judges every host that answers and has a soak. What cannot be judged stays as it was. */
export async function judgeHosts(round: VerdictRound): Promise<void> {
  const { hosts, keeper, signal, note } = round
  const answering = [...hosts.values()].filter(({ name }) => keeper.summaries.get(name)?.answers === true)
  await pLimit(PARALLEL).map(answering, async (host) => {
    try {
      keeper.judged(host, await judgeHost(host, round))
    } catch (error) {
      signal.throwIfAborted()
      if (codeOf(error) !== 'no-soak') note(host.name, `no verdict: ${describeError(error)}`)
    }
  })
}

/** Judges one host now. */
export async function judgeHost(
  host: FleetHost,
  { fleetFile, lend, now, signal }: Pick<VerdictRound, 'fleetFile' | 'lend' | 'now' | 'signal'>
): Promise<HostVerdictSummary> {
  const evidence = await evidenceOfHost(host, lend, signal, now())
  const records = await readDecisions(decisionsFile(fleetFile))
  const { verdict, decision } = verdictOf(host, evidence, records, now())
  return {
    host: host.name,
    at: new Date(now()).toISOString(),
    storePath: evidence.storePath,
    verdict: verdict.verdict,
    because: [...verdict.because],
    decision: decision?.decision ?? null
  }
}
