/** By how much one sample lies above another, with bounds. */
export interface Shift {
  /** Hodges and Lehmann: the median of all differences. */
  readonly estimate: number
  readonly lower: number
  readonly upper: number
}

/** How sure the bounds are, in standard deviations of the rank sum, and how much fewer values there really are. */
export interface Certainty {
  readonly zLower: number
  readonly zUpper: number
  /** Variance of a mean of these values over that of as many independent ones. */
  readonly inflation: number
}

/**
 * The shift from `before` to `after` by ranks: Hodges and Lehmann's estimate, and the bounds that belong to the test of
 * Mann, Whitney and Wilcoxon (Moses). Heavy tails and single bursts count no more than their rank. A bound is infinite
 * where there are too few values for so much certainty.
 */
export function shiftBetween(before: readonly number[], after: readonly number[], sure: Certainty): Shift {
  const a = before.toSorted((x, y) => x - y)
  const b = after.toSorted((x, y) => x - y)
  const pairs = a.length * b.length
  const deviation = Math.sqrt((pairs * (a.length + b.length + 1) * sure.inflation) / 12)
  const at = (rank: number) => nthDifference(a, b, rank)
  const low = Math.floor(pairs / 2 - sure.zLower * deviation)
  const high = Math.ceil(pairs / 2 + sure.zUpper * deviation) + 1
  return {
    estimate: at(Math.ceil(pairs / 2)),
    lower: low < 1 ? Number.NEGATIVE_INFINITY : at(low),
    upper: high > pairs ? Number.POSITIVE_INFINITY : at(high)
  }
}

/** Halvings of an interval: 2^-45 of the range of the values is far below what is measured. */
const HALVINGS = 45

/** The n-th smallest of all b - a, of sorted values, without writing all of them down. */
function nthDifference(a: readonly number[], b: readonly number[], rank: number): number {
  let low = (b[0] ?? 0) - (a.at(-1) ?? 0)
  let high = (b.at(-1) ?? 0) - (a[0] ?? 0)
  if (countUpTo(a, b, low) >= rank) return low
  for (let i = 0; i < HALVINGS && low < high; i++) {
    const middle = (low + high) / 2
    if (countUpTo(a, b, middle) >= rank) high = middle
    else low = middle
  }
  return high
}

/** How many differences b - a are at most so great. */
function countUpTo(a: readonly number[], b: readonly number[], limit: number): number {
  let count = 0
  let i = 0
  for (const value of b) {
    while (i < a.length && value - (a[i] ?? 0) > limit) i++
    count += a.length - i
  }
  return count
}
