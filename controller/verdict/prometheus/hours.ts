import type { Promql, Series } from '../../monitor/promql.ts'

const HOUR = 3_600_000

/** From the first moment that counts to the last, ms since the epoch. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** What an expression came to in one hour, or in the part of it that lies within the interval. */
export interface HourValue {
  /** Beginning of the hour. */
  readonly hour: number
  readonly value: number
}

/** One series with a value for each hour for which it has one. */
export interface HourSeries {
  readonly labels: Series['labels']
  readonly hours: readonly HourValue[]
}

/**
 * Asks an expression over each hour of an interval. `over` gives it for a window, such as `1h`. Of an hour that is cut
 * by the ends only the inside counts: what was before an activation must not be taken for what came after. What is
 * NaN or infinite is not there.
 */
export async function hoursOf(
  client: Promql,
  over: (window: string) => string,
  { from, to }: Interval
): Promise<HourSeries[]> {
  if (to <= from) return []
  const first = Math.ceil(from / HOUR) * HOUR
  const last = Math.floor(to / HOUR) * HOUR
  const cut = async (start: number, end: number) => {
    const seconds = Math.floor((end - start) / 1000)
    if (seconds < 1) return []
    const hour = Math.floor(start / HOUR) * HOUR
    return (await client.instant(over(`${seconds}s`), end)).map((series) => withHours(series, () => hour))
  }
  if (first > last) return merged(await cut(from, to))
  const whole =
    first === last
      ? []
      : await client.range(over('1h'), { from: first + HOUR, to: last, stepSeconds: HOUR / 1000 })
  return merged([
    ...(await cut(from, first)),
    ...whole.map((series) => withHours(series, (at) => at - HOUR)),
    ...(await cut(last, to))
  ])
}

function withHours({ labels, samples }: Series, hourOf: (at: number) => number): HourSeries {
  return {
    labels,
    hours: samples
      .filter(({ value }) => Number.isFinite(value))
      .map(({ at, value }) => ({ hour: hourOf(at), value }))
  }
}

function merged(parts: readonly HourSeries[]): HourSeries[] {
  const all = new Map<string, HourSeries>()
  for (const { labels, hours } of parts) {
    const key = JSON.stringify(Object.entries(labels).toSorted())
    all.set(key, { labels, hours: [...(all.get(key)?.hours ?? []), ...hours] })
  }
  return [...all.values()]
}
