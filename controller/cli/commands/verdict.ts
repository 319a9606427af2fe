import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import pLimit from 'p-limit'
import { BelayError } from '../../../shared/errors.ts'
import type { SoakRecord } from '../../../shared/verdict/record.ts'
import type { FleetHost } from '../../inventory/fleet.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { appendDecision, decisionsFile, readDecisions } from '../../verdict/decisions.ts'
import { evidenceOfFile, evidenceOfHost } from '../../verdict/evidence.ts'
import { freshOrKept } from '../../verdict/kept.ts'
import type { HostVerdict, SoakRow } from '../../verdict/report.ts'
import { silentRow, soakRow, verdictOf } from '../../verdict/report.ts'
import type { ServerOptions } from '../server.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import { keptByServer } from './kept-evidence.ts'

/** Options of everything about verdicts. */
export interface VerdictOptions extends GlobalOptions, ServerOptions {
  readonly decisions?: string
  readonly evidence?: string
  readonly markdown?: boolean
  readonly html?: string
}

/** Options of `belay soak` and `belay digest`. */
export interface SoakOptions extends VerdictOptions {
  readonly host?: readonly string[]
  readonly maxParallel: number
  /** Of the last week, not the last day. */
  readonly weekly?: boolean
}

/** Who signs, and why. */
export interface Signed extends VerdictOptions {
  readonly by?: string
  readonly reason: string
  readonly expires?: string
}

/** Milliseconds of a day. */
const DAY = 86_400_000

/** Judges one host. */
export async function verdict(name: string, options: VerdictOptions, wiring: Wiring): Promise<HostVerdict> {
  const { host, file } = await find(name, options, wiring)
  const records = await readDecisions(file)
  const fresh = () => freshEvidence(host, options, wiring)
  const sourced = await freshOrKept(host, fresh, () => keptByServer(host, options))
  return verdictOf(host, sourced, records, wiring.clock.now())
}

const freshEvidence = async (
  host: FleetHost,
  { evidence }: Pick<VerdictOptions, 'evidence'>,
  wiring: Wiring
) =>
  evidence === undefined
    ? await evidenceOfHost(host, wiring.openTunnel, wiring.signal, wiring.clock.now())
    : await evidenceOfFile(evidence, host)

async function find(
  name: string,
  options: VerdictOptions,
  wiring: Wiring
): Promise<{ host: FleetHost; file: string }> {
  const fleet = (await loadInventory(options.fleet, wiring)).fleet
  const [host] = selectHosts(fleet, [name])
  if (host === undefined) throw new BelayError('internal', `no host ${name}`)
  return { host, file: options.decisions ? resolve(options.decisions) : decisionsFile(fleet.file) }
}

/** Judges the selected hosts at the same time. A silent host is a row of its own. */
export async function soak(options: SoakOptions, wiring: Wiring): Promise<SoakRow[]> {
  const fleet = (await loadInventory(options.fleet, wiring)).fleet
  const hosts = selectHosts(fleet, options.host ?? [])
  const records = await readDecisions(
    options.decisions ? resolve(options.decisions) : decisionsFile(fleet.file)
  )
  const now = wiring.clock.now()
  return await pLimit(options.maxParallel).map(hosts, async (host) => {
    try {
      const fresh = () => freshEvidence(host, {}, wiring)
      const sourced = await freshOrKept(host, fresh, () => keptByServer(host, options))
      return soakRow(verdictOf(host, sourced, records, now), now - (options.weekly ? 7 : 1) * DAY)
    } catch (error) {
      wiring.signal.throwIfAborted()
      return silentRow(host.name, error)
    }
  })
}

/** What a person may say about a soak. */
export type Word =
  | { readonly type: 'waive'; readonly criterion: string }
  | { readonly type: 'extend'; readonly days: number }
  | { readonly type: 'decide'; readonly decision: 'go' | 'no-go' }

/** Records what a person says about the running soak of a host, and judges again. */
export async function say(name: string, word: Word, options: Signed, wiring: Wiring): Promise<HostVerdict> {
  const { host, file } = await find(name, options, wiring)
  // A person decides on what the host tells now, not on what was kept of it.
  const told = { evidence: await freshEvidence(host, options, wiring), keptAt: null }
  const before = verdictOf(host, told, await readDecisions(file), wiring.clock.now())
  refuse(word, before)
  const signed = {
    host: host.name,
    storePath: before.evidence.storePath,
    by: options.by ?? userInfo().username,
    at: new Date(wiring.clock.now()).toISOString(),
    reason: options.reason
  }
  await appendDecision(file, recordOf(word, signed, before, options.expires ?? null))
  return verdictOf(host, told, await readDecisions(file), wiring.clock.now())
}

/** A waiver of nothing, and a GO against the verdict, are refused: the latter takes waivers first. */
function refuse(word: Word, { verdict }: HostVerdict): void {
  if (word.type === 'waive') {
    const open = verdict.criteria.filter(({ outcome }) => outcome !== 'pass').map(({ name }) => name)
    if (open.includes(word.criterion)) return
    const text = `${JSON.stringify(word.criterion)} is not among the criteria that did not pass: ${open.join(', ') || 'all passed'}`
    throw new BelayError('invalid-request', text, { found: word.criterion, wanted: open })
  }
  if (
    word.type === 'decide' &&
    word.decision === 'go' &&
    !verdict.verdict.endsWith(' GO') &&
    verdict.verdict !== 'GO'
  ) {
    const text = `the verdict is ${verdict.verdict}; a person may waive what stands against it, each in writing: ${verdict.because.join('; ')}`
    throw new BelayError('invalid-request', text, { found: verdict.verdict, wanted: 'GO or CONDITIONAL GO' })
  }
}

type Signature = Pick<SoakRecord, 'host' | 'storePath' | 'by' | 'at' | 'reason'>

function recordOf(
  word: Word,
  signed: Signature,
  { verdict }: HostVerdict,
  expires: string | null
): SoakRecord {
  if (word.type === 'waive') return { ...signed, ...word, expires }
  if (word.type === 'extend') return { ...signed, ...word }
  return { ...signed, ...word, verdict: verdict.verdict }
}
