/** Hours from which on the dependence of a series can be told at all. */
const ENOUGH = 48
/** Inflation that is assumed where it cannot be told: three values count as two. */
const UNKNOWN = 1.5
/** Lags looked at: slow days are slow for a day. */
const LONGEST = 25
/** Hours of a day. */
const DAY = 24

/**
 * How much the variance of a mean grows because neighbours in time resemble each other: 1 for independent values.
 * The greater of
 * two tellings, both of ranks, so that a burst cannot hide it: Geyer's initial positive sequence of the
 * autocorrelations, and how much whole days differ.
 */
export function inflationOf(series: readonly number[]): number {
  if (series.length < ENOUGH) return UNKNOWN
  const ranks = centredRanks(series)
  const variance = dot(ranks, 0)
  if (variance === 0) return 1
  const correlation = (lag: number) => dot(ranks, lag) / variance
  let sum = 0
  for (let lag = 1; lag <= LONGEST; lag += 2) {
    const pair = correlation(lag) + correlation(lag + 1)
    if (pair <= 0) break
    sum += pair
  }
  return Math.max(1, 1 + 2 * sum, betweenDays(ranks, variance))
}

/** The same told from whole days: 24 times the variance of their means over that of the hours. */
function betweenDays(ranks: readonly number[], total: number): number {
  const days = Math.floor(ranks.length / DAY)
  const means = Array.from({ length: days }, (_, day) => {
    return ranks.slice(day * DAY, (day + 1) * DAY).reduce((sum, rank) => sum + rank, 0) / DAY
  })
  const middle = means.reduce((sum, mean) => sum + mean, 0) / days
  const spread = means.reduce((sum, mean) => sum + (mean - middle) ** 2, 0) / (days - 1)
  return (DAY * spread) / (total / ranks.length)
}

function dot(values: readonly number[], lag: number): number {
  let sum = 0
  for (let i = lag; i < values.length; i++) sum += (values[i] ?? 0) * (values[i - lag] ?? 0)
  return sum
}

/** Mean-free ranks, ties sharing theirs. */
function centredRanks(values: readonly number[]): number[] {
  const order = values.map((value, index) => ({ value, index })).sort((x, y) => x.value - y.value)
  const ranks = new Array<number>(values.length)
  const middle = (values.length - 1) / 2
  for (let start = 0; start < order.length; ) {
    let end = start
    while (order[end + 1]?.value === order[start]?.value) end++
    for (let i = start; i <= end; i++) ranks[order[i]?.index ?? 0] = (start + end) / 2 - middle
    start = end + 1
  }
  return ranks
}
