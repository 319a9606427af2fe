/** First and longest wait before a host that did not answer is asked again, in milliseconds. */
const FIRST = 5000
const LONGEST = 10 * 60_000

/** Milliseconds to wait after so many looks in a row without an answer; a line that broke off is tried again soon. */
export function backOff(failures: number): number {
  if (failures === 0) return 1000
  return Math.min(LONGEST, FIRST * 2 ** Math.min(failures - 1, 16))
}
