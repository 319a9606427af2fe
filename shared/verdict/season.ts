import { median } from './normal.ts'

/** One value of one hour. */
export interface Point {
  /** Beginning of the hour, ms since the epoch. */
  readonly at: number
  readonly value: number
}

const HOUR = 3_600_000
/** Values of the very hour of day from which on its neighbours are not needed. */
const OWN = 5
/** Values from which on there is a level to compare with. */
const LEAST = 3

/** What is left of two series when the level that the baseline has at that hour of day is taken off. */
export interface Deviations {
  readonly baseline: readonly number[]
  readonly soak: readonly Point[]
}

/**
 * Takes the daily rhythm off. The level of an hour of day is the median of the baseline at that hour, or within an
 * hour of it while there are few; each baseline value is compared with the others, not with itself. Hours of day that
 * the baseline has not seen are left out: nights say nothing about mornings.
 */
export function withoutRhythm(baseline: readonly Point[], soak: readonly Point[]): Deviations {
  const byHour = Array.from({ length: 24 }, (): Point[] => [])
  for (const point of baseline) byHour[hourOfDay(point)]?.push(point)
  const level = (point: Point, least: number): number | null => {
    const hour = hourOfDay(point)
    const others = (h: number) => (byHour[(h + 24) % 24] ?? []).filter((other) => other !== point)
    const own = others(hour)
    const near = own.length >= OWN ? own : [...others(hour - 1), ...own, ...others(hour + 1)]
    return near.length < least ? null : median(near.map((other) => other.value))
  }
  const levels = Array.from({ length: 24 }, (_, hour) => level({ at: hour * HOUR, value: 0 }, LEAST))
  return {
    baseline: baseline.flatMap((point) => {
      const own = level(point, LEAST - 1)
      return own === null ? [] : [point.value - own]
    }),
    soak: soak.flatMap((point) => {
      const own = levels[hourOfDay(point)] ?? null
      return own === null ? [] : [{ at: point.at, value: point.value - own }]
    })
  }
}

const hourOfDay = (point: Point) => Math.floor(point.at / HOUR) % 24
