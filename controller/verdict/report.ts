import { codeOf, describeError } from '../../shared/errors.ts'
import { degradedSince } from '../../shared/verdict/degraded.ts'
import type { Evidence } from '../../shared/verdict/evidence.ts'
import { judge } from '../../shared/verdict/judge.ts'
import type { Decision, SoakRecord } from '../../shared/verdict/record.ts'
import { decisionAbout, saidAbout } from '../../shared/verdict/record.ts'
import type { Verdict } from '../../shared/verdict/result.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { Sourced } from './kept.ts'

/** What a verdict page shows: the verdict, what it is made from, and what a person decided. */
export interface HostVerdict {
  readonly verdict: Verdict
  readonly evidence: Evidence
  readonly decision: Decision | null
  /** When the controller has kept the evidence, where the host does not tell it now. */
  readonly keptAt: string | null
}

/** Judges one host with what was said about it. */
export function verdictOf(
  host: FleetHost,
  { evidence, keptAt }: Sourced,
  records: readonly SoakRecord[],
  now: number
): HostVerdict {
  const said = saidAbout(records, host.name, evidence.storePath)
  return {
    verdict: judge(evidence, host.soak, said, now),
    evidence,
    decision: decisionAbout(records, host.name, evidence.storePath),
    keptAt
  }
}

/** One host in the overview, or why there is nothing to say. */
export interface SoakRow {
  readonly host: string
  readonly error: { readonly code: string; readonly message: string } | null
  readonly verdict: Verdict | null
  readonly decision: Decision | null
  readonly keptAt: string | null
  /** What became worse since yesterday, or since last week. */
  readonly degraded: readonly string[]
}

/** The row of a host that answered; `since` is in ms since the epoch. */
export function soakRow({ verdict, evidence, decision, keptAt }: HostVerdict, since: number): SoakRow {
  const degraded = degradedSince(evidence, verdict, since)
  return { host: verdict.host, error: null, verdict, decision, keptAt, degraded }
}

/** The row of a host that did not. */
export function silentRow(host: string, error: unknown): SoakRow {
  const why = { code: codeOf(error), message: describeError(error) }
  return { host, error: why, verdict: null, decision: null, keptAt: null, degraded: [] }
}
