import { BelayError } from '../../../shared/errors.ts'
import type { Evidence, Incident, Reboot } from '../../../shared/verdict/evidence.ts'
import { severities } from '../../../shared/verdict/evidence.ts'
import { parseEvidence } from '../../../shared/verdict/parse.ts'
import type { HostMetrics } from '../../monitor/prometheus-schema.ts'
import type { Promql } from '../../monitor/promql.ts'
import type { Family, LastScrape } from './at-the-end.ts'
import { lastScrape, selector } from './at-the-end.ts'
import type { Untold } from './checks.ts'
import { checksOf } from './checks.ts'
import type { Interval } from './hours.ts'
import { hoursOf } from './hours.ts'

const HOUR_SECONDS = 3600
const DAY = 86_400_000
/** Longest soak and longest baseline that are read. */
const MAX_SOAK_DAYS = 45
const MAX_BASELINE_DAYS = 14

/** A host whose metrics are kept somewhere. */
export interface WatchedHost {
  readonly name: string
  readonly presence: 'always' | 'intermittent'
  readonly metrics: HostMetrics
}

/** The evidence about the generation that runs, as an engine has it. Rejects with what `Promql` and `lastScrape` say, and `invalid-evidence`. */
export async function evidenceFromPrometheus(
  client: Promql,
  host: WatchedHost,
  now: number
): Promise<Evidence> {
  const last = await lastScrape(client, host, now)
  const own = selector(host.metrics)
  const startSeconds = last.only('soak_start_timestamp_seconds')
  const storePath = pathOf(last, 'running')
  if (startSeconds === null || storePath === null) {
    const missing = startSeconds === null ? 'soak_start_timestamp_seconds' : 'generation_info'
    const text = `${host.name}: its last scrape has no belay_agent_${missing}: there is no soak to judge`
    throw new BelayError('invalid-evidence', text, { wanted: missing })
  }
  const start = Math.round(startSeconds * 1000)
  const soak = { from: Math.max(start, last.at - MAX_SOAK_DAYS * DAY), to: Math.max(start, last.at) }
  const baseline = baselineOf(last)
  const checks = await checksOf(client, own, last, { soak, baseline })
  const coverage = await coverageOf(client, own, last, { soak, interval: host.metrics.intervalSeconds })
  const events = await eventsOf(client, own, last, soak)
  const on = last.only('soak_seconds') ?? 0
  const available = last.only('soak_available_seconds')
  const untold = [
    ...(available === null ? [absent('availability', 'soak_available_seconds')] : []),
    ...coverage.untold,
    ...events.untold,
    ...checks.untold
  ]
  const evidence: Evidence = {
    ...{ host: host.name, profile: 'system', storePath, generation: generationOf(last, storePath) },
    ...{ baselinePath: null, startedAt: iso(start), endedAt: null, asOf: iso(soak.to) },
    ...{ onSeconds: Math.floor(on), availableSeconds: Math.floor(Math.min(on, available ?? 0)) },
    ...{ expectedSamples: coverage.expected, receivedSamples: coverage.received },
    // What the engine does not know: causes of gaps. What ends a soak has not happened to one that runs.
    ...{ gaps: [], agentRestarts: 0, rollbacks: 0, manualSwitches: 0 },
    ...{ reboots: events.reboots, incidents: events.incidents, checks: [...checks.checks] },
    ...(untold.length > 0 ? { untold } : {})
  }
  return parseEvidence(evidence, host.metrics.url)
}

const iso = (ms: number) => new Date(ms).toISOString()
const absent = (criterion: string, family: Family): Untold => ({
  criterion,
  reason: `the last scrape has no belay_agent_${family}`
})

function pathOf(last: LastScrape, system: string): string | null {
  const paths = last.all('generation_info').filter(({ labels }) => labels.system === system)
  return paths.length === 1 ? (paths[0]?.labels.store_path ?? null) : null
}

/** The number of the profile, where the profile is what runs. */
function generationOf(last: LastScrape, storePath: string): number | null {
  const number = last.only('profile_generation')
  return pathOf(last, 'profile') === storePath && Number.isInteger(number) ? number : null
}

function baselineOf(last: LastScrape): Interval | null {
  const from = last.only('baseline_start_timestamp_seconds')
  const to = last.only('baseline_end_timestamp_seconds')
  if (from === null || to === null) return null
  return { from: Math.max(from * 1000, to * 1000 - MAX_BASELINE_DAYS * DAY), to: to * 1000 }
}

/**
 * The smaller of two: the agent's own coverage, and the share of the scrapes that are there of those that the time for
 * which the host was on would have given. More scrapes in an hour do not make up for those that another lacks.
 */
async function coverageOf(
  client: Promql,
  own: string,
  last: LastScrape,
  { soak, interval }: { readonly soak: Interval; readonly interval: number }
): Promise<{ expected: number; received: number; untold: Untold[] }> {
  const over = (window: string) => `count_over_time(belay_agent_soak_seconds${own}[${window}])`
  const hours = (await hoursOf(client, over, soak)).flatMap((series) => series.hours)
  const most = HOUR_SECONDS / interval
  const scraped = hours.reduce((sum, { value }) => sum + Math.min(value, most), 0)
  const seconds = Math.min(last.only('soak_seconds') ?? 0, (soak.to - soak.from) / 1000)
  const expected = Math.floor(seconds / interval)
  const ratio = last.only('soak_coverage_ratio')
  const received = Math.min(expected, Math.floor(scraped), Math.floor(expected * (ratio ?? 0)))
  return { expected, received, untold: ratio === null ? [absent('coverage', 'soak_coverage_ratio')] : [] }
}

/** Reboots and open incidents, as far as their numbers tell. */
async function eventsOf(
  client: Promql,
  own: string,
  last: LastScrape,
  soak: Interval
): Promise<{ reboots: Reboot[]; incidents: Incident[]; untold: Untold[] }> {
  const counted = last.all('reboots_total')
  const open = last.all('incidents_open')
  const over = (window: string) => `max_over_time(belay_agent_reboots_total${own}[${window}])`
  const hours = counted.some(({ value }) => value > 0) ? await hoursOf(client, over, soak) : []
  const reboots = counted.flatMap(({ labels, value }) => {
    const own = hours.filter((series) => series.labels.expected === labels.expected)
    const counts = own.flatMap((series) => series.hours).toSorted((a, b) => a.hour - b.hour)
    return Array.from({ length: Math.round(value) }, (_, index): Reboot => {
      const hour = counts.find((each) => each.value > index)?.hour ?? soak.from
      return {
        at: iso(Math.max(hour, soak.from)),
        bootId: 'not told',
        expected: labels.expected === 'true',
        cause: 'counted by belay_agent_reboots_total; the time is to the hour'
      }
    })
  })
  const incidents = open.flatMap(({ labels, value }) => {
    const severity = severities.find((each) => each === labels.severity) ?? 'critical'
    const workaround = labels.workaround === 'known' ? 'belay-agent incidents tells it' : null
    return Array.from(
      { length: Math.round(value) },
      (_, index): Incident => ({
        ...{
          id: `${severity}-${index + 1}`,
          openedAt: iso(soak.from),
          openedBy: 'belay_agent_incidents_open'
        },
        ...{ severity, status: 'open', resolvedAt: null, workaround },
        description: 'belay-agent incidents on the host tells which'
      })
    )
  })
  const untold = [
    ...(counted.length === 0 ? [absent('unexpected-reboots', 'reboots_total')] : []),
    ...(open.length === 0 ? [absent('incidents', 'incidents_open')] : [])
  ]
  return { reboots: reboots.toSorted((a, b) => a.at.localeCompare(b.at)), incidents, untold }
}
