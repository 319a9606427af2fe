/**
 * How many standard deviations a standard normal value exceeds with probability `tail`, for 0 < tail ≤ 0.5. Abramowitz
 * and Stegun, Handbook of Mathematical Functions, 26.2.23; off by less than 0.00045.
 */
export function normalQuantile(tail: number): number {
  const t = Math.sqrt(-2 * Math.log(tail))
  const above = 2.515517 + t * (0.802853 + t * 0.010328)
  const below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
  return t - above / below
}

/** The middle of values that are sorted; NaN of none. */
export function medianOfSorted(sorted: readonly number[]): number {
  const half = sorted.length / 2
  const upper = sorted[Math.floor(half)] ?? Number.NaN
  return Number.isInteger(half) ? ((sorted[half - 1] ?? Number.NaN) + upper) / 2 : upper
}

/** The middle of values in any order; NaN of none. */
export const median = (values: readonly number[]): number => medianOfSorted(values.toSorted((a, b) => a - b))
