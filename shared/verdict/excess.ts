import { median } from './normal.ts'
import type { Point } from './season.ts'
import type { Certainty } from './shift.ts'

const HOUR = 3_600_000
/** Hours of baseline from which on its variance is told from what is left without the rhythm. */
const DAYS_OF_RHYTHM = 72
/** Clips hours above the median by so many robust standard deviations: a burst counts as many errors, not as hundreds. */
const CLIP = 6
/** Variance of an hour over its mean up to which events come one by one; a Poisson law has 1. Clusters are left to ranks. */
const ONE_BY_ONE = 3
/** From a median absolute deviation to a standard deviation. */
const TO_DEVIATION = 1.4826

/** How many times as many events there are as the baseline lets expect for these hours of the day, with bounds. */
export interface Excess {
  /** More events in an hour than expected. */
  readonly rise: number
  readonly lower: number
  readonly upper: number
}

/**
 * Compares how many events there are with how many the baseline lets expect at those hours of the day (direct
 * standardisation). Where events are rare and come one by one their sum tells more than the ranks of hours. The variance of an hour is
 * what the baseline shows, at least that of a Poisson law of both together; bounds are those of Anscombe's residual. Hours of day
 * that the baseline has not seen are left out. Null where that leaves none.
 */
export function excessOf(
  baseline: readonly Point[],
  soak: readonly Point[],
  { zLower, zUpper, inflation }: Certainty
): Excess | null {
  const clip = clipAt(baseline.map(({ value }) => value))
  const before = baseline.map(({ at, value }) => ({ hour: hourOfDay(at), value: Math.min(value, clip) }))
  const byHour = Array.from({ length: 24 }, (_, hour) => before.filter((each) => each.hour === hour))
  const means = byHour.map((hours) => mean(hours.map(({ value }) => value)))
  const seen = soak.filter(({ at }) => (byHour[hourOfDay(at)]?.length ?? 0) > 0)
  const observed = seen.reduce((sum, { value }) => sum + Math.min(value, clip), 0)
  const expected = seen.reduce((sum, { at }) => sum + (means[hourOfDay(at)] ?? 0), 0)
  if (seen.length === 0) return null
  const rise = (observed - expected) / seen.length
  const nothing = { rise, lower: 0, upper: Number.POSITIVE_INFINITY }
  const variance = varianceOf(before, means) * inflation
  if (expected === 0 || variance > ONE_BY_ONE * mean(before.map(({ value }) => value))) return nothing
  const often = byHour.map((_, hour) => seen.filter(({ at }) => hourOfDay(at) === hour).length)
  // Of the sum of the soak's hours, and of what is expected, which is no better known than the baseline.
  const hours = often.reduce((sum, count, hour) => sum + count + count ** 2 / (byHour[hour]?.length || 1), 0)
  // Were nothing changed, both together would tell best how many there are.
  const sum = before.reduce((all, { value }) => all + value, observed)
  const pooled = sum / (before.length + seen.length)
  const dispersion = (Math.max(pooled * inflation, variance) * hours) / expected
  const bound = (z: number, level: number) =>
    Math.max(0, power(observed) + (z / 1.5) * Math.sqrt(dispersion) * level ** (1 / 6)) ** 1.5 / expected
  return {
    rise,
    lower: bound(-zLower, expected),
    upper: bound(zUpper, Math.max(expected, observed))
  }
}

/** Anscombe: to the power of two thirds a sum of rare events is nearly normal, small ones too. */
const power = (sum: number) => sum ** (2 / 3)

const hourOfDay = (at: number) => Math.floor(at / HOUR) % 24
const mean = (values: readonly number[]) =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** Variance of one hour without the rhythm, where there are days enough to tell it from chance. */
function varianceOf(
  before: readonly { readonly hour: number; readonly value: number }[],
  means: readonly number[]
): number {
  const level = mean(before.map(({ value }) => value))
  const many = before.length >= DAYS_OF_RHYTHM
  const squares = before.reduce(
    (sum, { hour, value }) => sum + (value - (many ? (means[hour] ?? 0) : level)) ** 2,
    0
  )
  return squares / Math.max(1, before.length - (many ? 24 : 1))
}

function clipAt(values: readonly number[]): number {
  const middle = median(values)
  const deviation = TO_DEVIATION * median(values.map((value) => Math.abs(value - middle)))
  return middle + CLIP * Math.max(1, deviation)
}
