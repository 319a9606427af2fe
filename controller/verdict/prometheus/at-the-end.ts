import { BelayError } from '../../../shared/errors.ts'
import type { HostMetrics } from '../../monitor/prometheus-schema.ts'
import type { Promql, Series } from '../../monitor/promql.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Scrapes that may be missing before a host counts as silent, and the least time for it. */
const SILENT_SCRAPES = 5
const SILENT_MS = 5 * 60_000
/** How far back the last scrape of a host is looked for that is away. */
const AWAY_DAYS = 45

/** Families that are read once, as the last scrape had them. */
const families = [
  'soak_seconds',
  'soak_available_seconds',
  'soak_coverage_ratio',
  'soak_start_timestamp_seconds',
  'baseline_start_timestamp_seconds',
  'baseline_end_timestamp_seconds',
  'profile_generation',
  'generation_info',
  'reboots_total',
  'incidents_open',
  'check_failing',
  'check_last_run_timestamp_seconds',
  'check_value'
] as const
export type Family = (typeof families)[number]

/** All that the last scrape of a host said. */
export interface LastScrape {
  /** When it was, ms since the epoch. */
  readonly at: number
  /** Series of a family, without those that are NaN or infinite. */
  readonly all: (family: Family) => readonly { readonly labels: Series['labels']; readonly value: number }[]
  /** The only value of a family; null where it has none. */
  readonly only: (family: Family) => number | null
}

/** Labels as a selector. */
export function selector({ labels }: HostMetrics): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return `{${all.join(',')}}`
}

/**
 * Finds the last scrape of a host. One that is always there must have been scraped a moment ago: whether a silent one
 * is off or broken, its metrics do not tell. Rejects with `host-unreachable`.
 */
export async function lastScrape(
  client: Promql,
  host: {
    readonly name: string
    readonly presence: 'always' | 'intermittent'
    readonly metrics: HostMetrics
  },
  now: number
): Promise<LastScrape> {
  const silentMs = Math.max(SILENT_MS, SILENT_SCRAPES * host.metrics.intervalSeconds * 1000)
  const clock = `belay_agent_soak_seconds${selector(host.metrics)}`
  const newest = async (window: string, end: number) =>
    (await client.instant(`${clock}[${window}]`, end))
      .flatMap(({ samples }) => samples.map(({ at }) => at))
      .reduce<number | null>((last, at) => Math.max(last ?? at, at), null)
  const recent = await newest(`${Math.ceil(silentMs / 1000)}s`, now)
  const at = recent ?? (host.presence === 'always' ? null : await longAgo(client, clock, newest, now))
  if (at === null) {
    const text = `${host.name}: ${clock} has no sample of the last ${host.presence === 'always' ? `${silentMs / 60_000} min` : `${AWAY_DAYS} days`}`
    throw new BelayError('host-unreachable', text, { found: 'no sample', wanted: clock })
  }
  const names = families.map((family) => `belay_agent_${family}`).join('|')
  const own = selector(host.metrics).slice(1)
  const series = await client.instant(`{__name__=~"${names}",${own}`, at)
  const all = (family: Family) =>
    series.flatMap(({ labels, samples }) => {
      const value = samples.at(-1)?.value ?? Number.NaN
      return labels.__name__ === `belay_agent_${family}` && Number.isFinite(value) ? [{ labels, value }] : []
    })
  return { at, all, only: (family) => only(host.name, family, all(family)) }
}

async function longAgo(
  client: Promql,
  clock: string,
  newest: (window: string, end: number) => Promise<number | null>,
  now: number
): Promise<number | null> {
  const end = Math.floor(now / HOUR) * HOUR
  const steps = { from: end - AWAY_DAYS * DAY, to: end, stepSeconds: HOUR / 1000 }
  const seen = await client.range(`count_over_time(${clock}[1h])`, steps)
  const last = Math.max(...seen.flatMap(({ samples }) => samples.map(({ at }) => at)))
  return Number.isFinite(last) ? await newest('1h', last) : null
}

/** Two series where one is expected are two hosts, or one host that is scraped twice. */
function only(host: string, family: Family, values: readonly { readonly value: number }[]): number | null {
  if (values.length <= 1) return values[0]?.value ?? null
  const text = `${host}: ${values.length} series of belay_agent_${family}; monitoring.prometheus.labels must leave one`
  throw new BelayError('invalid-evidence', text, { found: values.length, wanted: 1 })
}
