import { BelayError } from '../../../shared/errors.ts'
import type { CheckEvidence, HourOfCheck } from '../../../shared/verdict/evidence.ts'
import { checkResults, measures, severities } from '../../../shared/verdict/evidence.ts'
import type { Promql } from '../../monitor/promql.ts'
import type { LastScrape } from './at-the-end.ts'
import type { HourSeries, Interval } from './hours.ts'
import { hoursOf } from './hours.ts'

const HOUR = 3_600_000
/** A failing state that was scraped so long before the end of the baseline counts as the one at its end, in seconds. */
const BEFORE_END = 600

/** What is asked of each hour. The key is what the evidence calls it. */
const statistics = {
  mean: (series: string) => `avg_over_time(${series})`,
  median: (series: string) => `quantile_over_time(0.5, ${series})`,
  p95: (series: string) => `quantile_over_time(0.95, ${series})`,
  max: (series: string) => `max_over_time(${series})`
} as const
type Statistic = keyof typeof statistics
const keys = Object.keys(statistics) as Statistic[]

/** Why something about a check cannot be told. */
export interface Untold {
  readonly criterion: string
  readonly reason: string
}

/** Checks as the evidence has them, and what cannot be told about them. */
export interface CheckFindings {
  readonly checks: readonly CheckEvidence[]
  readonly untold: readonly Untold[]
}

/** Reads what the checks found before and since. */
export async function checksOf(
  client: Promql,
  own: string,
  last: LastScrape,
  { soak, baseline }: { readonly soak: Interval; readonly baseline: Interval | null }
): Promise<CheckFindings> {
  const since = await checkHours(client, own, soak)
  const before =
    baseline === null ? new Map<string, HourOfCheck[]>() : (await checkHours(client, own, baseline)).hours
  const failingOver = (window: string) => `max_over_time(belay_agent_check_failing${own}[${window}])`
  const failing = await hoursOf(client, failingOver, soak)
  const atBaseline = baseline === null ? [] : await client.instant(failingOver(`${BEFORE_END}s`), baseline.to)
  const failedBefore = new Set(
    atBaseline.flatMap(({ labels, samples }) => (samples.at(-1)?.value === 1 ? [labels.check] : []))
  )
  const now = new Map(last.all('check_failing').map(({ labels, value }) => [labels.check, value]))
  const ran = new Map(
    last.all('check_last_run_timestamp_seconds').map(({ labels, value }) => [labels.check, value])
  )
  const names = new Set([...since.hours.keys(), ...failing.map(({ labels }) => labels.check ?? '')])
  const found = [...names].toSorted().map((name) => {
    const own = failing.filter(({ labels }) => labels.check === name)
    const labels = [...last.all('check_value'), ...since.values].find(
      (each) => each.labels.check === name
    )?.labels
    const check: CheckEvidence = {
      name,
      severity: oneOf(severities, own.at(-1)?.labels.severity) ?? 'critical',
      measures: oneOf(measures, labels?.measures),
      unit: labels?.unit || null,
      failedInBaseline: failedBefore.has(name),
      baseline: before.get(name) ?? [],
      soak: since.hours.get(name) ?? [],
      failingSince: now.get(name) === 1 ? failingSince(own, soak) : null
    }
    const ranAt = ran.get(name)
    const isNew = ranAt === undefined || ranAt * 1000 >= soak.from
    return { check, untold: untoldOf(check, { isThere: now.has(name), isNew, labels }) }
  })
  return { checks: found.map(({ check }) => check), untold: found.flatMap(({ untold }) => untold) }
}

const oneOf = <T extends string>(known: readonly T[], value: string | undefined): T | null =>
  known.find((each) => each === value) ?? null

/** Series that end before the host's, results of before the soak, and an agent that does not say what a value is. */
function untoldOf(
  { name }: CheckEvidence,
  seen: {
    readonly isThere: boolean
    readonly isNew: boolean
    readonly labels: HourSeries['labels'] | undefined
  }
): Untold[] {
  const gone = 'its series end before the last scrape of the host'
  const old = 'it has not run since the soak began; what is scraped is the result of before'
  const unlabelled = 'belay_agent_check_value of this agent has no label measures'
  return [
    ...(seen.isThere && seen.isNew
      ? []
      : [{ criterion: `failures/${name}`, reason: seen.isThere ? old : gone }]),
    ...(seen.labels !== undefined && seen.labels.measures === undefined
      ? [{ criterion: `baseline/${name}`, reason: unlabelled }]
      : [])
  ]
}

/** The beginning of the first of those hours in which it failed without an end, to the hour. */
function failingSince(series: readonly HourSeries[], { from }: Interval): string {
  const failed = new Map(series.flatMap(({ hours }) => hours.map(({ hour, value }) => [hour, value])))
  let first = Math.max(...failed.keys())
  while (failed.get(first - HOUR) === 1) first -= HOUR
  return new Date(Math.max(from, Number.isFinite(first) ? first : from)).toISOString()
}

interface CheckHours {
  readonly hours: ReadonlyMap<string, HourOfCheck[]>
  readonly values: readonly HourSeries[]
}

/** Counts and values of every hour. A sample is a scrape, and says what the check had found last. */
async function checkHours(client: Promql, own: string, interval: Interval): Promise<CheckHours> {
  const over = (window: string) => `sum_over_time(belay_agent_check_result${own}[${window}])`
  const results = await hoursOf(client, over, interval)
  const all = new Map<string, Map<number, { -readonly [K in keyof HourOfCheck]: HourOfCheck[K] }>>()
  const at = (check: string, hour: number) => {
    const hours = all.get(check) ?? new Map()
    all.set(check, hours)
    const known = hours.get(hour) ?? {
      ...{ hour: new Date(hour).toISOString(), pass: 0, warn: 0, fail: 0, unknown: 0 },
      ...{ mean: null, median: null, p95: null, max: null }
    }
    hours.set(hour, known)
    return known
  }
  for (const { labels, hours } of results) {
    const result = oneOf(checkResults, labels.result)
    if (result === null || labels.check === undefined) throw strange(labels)
    for (const { hour, value } of hours) at(labels.check, hour)[result] += Math.round(value)
  }
  const values = await Promise.all(
    keys.map(async (key) => {
      const ask = (window: string) => statistics[key](`belay_agent_check_value${own}[${window}]`)
      return { key, series: await hoursOf(client, ask, interval) }
    })
  )
  for (const { key, series } of values) {
    const seen = new Set<string>()
    for (const { labels, hours } of series) {
      for (const { hour, value } of hours) {
        const place = `${labels.check} ${hour}`
        if (labels.check === undefined || seen.has(place)) throw strange(labels)
        seen.add(place)
        at(labels.check, hour)[key] = value
      }
    }
  }
  const sorted = (hours: ReadonlyMap<number, HourOfCheck>) =>
    [...hours.entries()].toSorted(([a], [b]) => a - b).map(([, hour]) => hour)
  return {
    hours: new Map([...all].map(([check, hours]) => [check, sorted(hours)])),
    values: values[0]?.series ?? []
  }
}

const strange = (labels: HourSeries['labels']) =>
  new BelayError(
    'invalid-evidence',
    `${labels.check ?? 'a check'}: series of one check that exclude each other, or have no name; monitoring.prometheus.labels must leave one`,
    { found: labels, wanted: 'one series at a time' }
  )
