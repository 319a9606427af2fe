const HOUR = 3600
const DAY = 24 * HOUR

/** A share as a percentage that does not round a miss to a hit: 98.96 %, and 100 % only for all. */
export function percent(share: number): string {
  const floored = Math.floor(share * 10_000 + 1e-6) / 100
  return `${floored} %`
}

/** A time for people: 40 min, 5.5 h, 3.2 days. */
export function span(seconds: number): string {
  if (seconds < HOUR) return `${Math.round(seconds / 60)} min`
  if (seconds < 2 * DAY) return `${(seconds / HOUR).toFixed(1)} h`
  return `${(seconds / DAY).toFixed(1)} days`
}

/** A number with its noun. */
export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** A ratio to 1 as a change: +31 %, -4 %. */
export function change(ratio: number): string {
  const change = (ratio - 1) * 100
  const digits = Math.abs(change) < 10 ? 1 : 0
  return `${change >= 0 ? '+' : ''}${change.toFixed(digits)} %`
}
