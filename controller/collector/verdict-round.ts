import pLimit from 'p-limit'
import type { HostVerdictSummary } from '../../shared/api/controller.ts'
import { codeOf, describeError } from '../../shared/errors.ts'
import type { Evidence } from '../../shared/verdict/evidence.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { EvidenceStore } from '../store/evidence-store.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { decisionsFile, readDecisions } from '../verdict/decisions.ts'
import { evidenceOfHost } from '../verdict/evidence.ts'
import type { Sourced } from '../verdict/kept.ts'
import { freshOrKept } from '../verdict/kept.ts'
import { verdictOf } from '../verdict/report.ts'
import type { Keeper } from './keeper.ts'

/** What a round of verdicts needs. */
export interface VerdictRound {
  readonly hosts: ReadonlyMap<string, FleetHost>
  readonly fleetFile: string
  readonly keeper: Keeper
  readonly store: EvidenceStore
  readonly lend: OpenTunnel
  readonly now: () => number
  readonly signal: AbortSignal
  readonly note: (host: string, message: string) => void
}

/** Hosts whose evidence is fetched at the same time; it may be long. */
const PARALLEL = 4

/** Milliseconds after which evidence is kept anew although the verdict is as it was. */
const KEEP_AGAIN = 3_600_000

/** Judges every host that answers and has a soak. What cannot be judged stays as it was. */
export async function judgeHosts(round: VerdictRound): Promise<void> {
  const { hosts, keeper, signal, note } = round
  const answering = [...hosts.values()].filter(({ name }) => keeper.summaries.get(name)?.answers === true)
  await pLimit(PARALLEL).map(answering, async (host) => {
    try {
      const evidence = await evidenceOfHost(host, round.lend, signal, round.now())
      const before = keeper.verdicts.get(host.name)
      const verdict = await summarised(host, { evidence, keptAt: null }, round)
      keeper.judged(host, verdict)
      keep(evidence, before?.verdict !== verdict.verdict || before.storePath !== verdict.storePath, round)
    } catch (error) {
      signal.throwIfAborted()
      if (codeOf(error) !== 'no-soak') note(host.name, `no verdict: ${describeError(error)}`)
    }
  })
}

/** Keeps evidence for when the host is away: when there is news, or what is kept has become old. */
function keep(evidence: Evidence, news: boolean, { store, now, note }: Keeping): void {
  const { host } = evidence
  if (!news && now() - (store.evidenceKeptAt(host) ?? 0) < KEEP_AGAIN) return
  try {
    store.keepEvidence(host, evidence, now())
  } catch (error) {
    note(host, `its evidence was not kept: ${describeError(error)}`)
  }
}

type Keeping = Pick<VerdictRound, 'store' | 'now' | 'note'>

/** Judges one host now, by what was kept of it where it does not answer. */
export async function judgeHost(
  host: FleetHost,
  round: Keeping & Pick<VerdictRound, 'fleetFile' | 'lend' | 'signal'>
): Promise<HostVerdictSummary> {
  const { lend, now, signal, store } = round
  const fresh = () => evidenceOfHost(host, lend, signal, now())
  const sourced = await freshOrKept(host, fresh, async () => store.keptEvidence(host.name))
  if (sourced.keptAt === null) keep(sourced.evidence, false, round)
  return await summarised(host, sourced, round)
}

async function summarised(
  host: FleetHost,
  sourced: Sourced,
  { fleetFile, now }: Pick<VerdictRound, 'fleetFile' | 'now'>
): Promise<HostVerdictSummary> {
  const records = await readDecisions(decisionsFile(fleetFile))
  const { verdict, decision, keptAt } = verdictOf(host, sourced, records, now())
  return {
    host: host.name,
    at: new Date(now()).toISOString(),
    storePath: verdict.storePath,
    verdict: verdict.verdict,
    because: [...verdict.because],
    decision: decision?.decision ?? null,
    asOf: verdict.asOf,
    keptAt
  }
}
