/** The shortest text that is looked at: every secret that the rules know has so many letters in a row at least. */
export const SHORTEST = 26

/** Letters of which keys, hashes and tokens are made. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_$.-'

const isLetter = new Uint8Array(256)
for (const letter of LETTERS) isLetter[letter.charCodeAt(0)] = 1

/**
 * Calls `found` for every row of at least {@link SHORTEST} letters from `from` on. Looks at one byte in 26, and around it
 * where it is a letter: no row can lie between two looks. A binary is so gone through at the speed of its disk.
 * Gives the beginning of a row that the end of the bytes cuts off, or the number of bytes.
 */
export function findRuns(
  bytes: Uint8Array,
  from: number,
  found: (start: number, end: number) => void
): number {
  const { length } = bytes
  let least = from
  let at = from + SHORTEST - 1
  while (at < length) {
    if (isLetter[bytes[at] as number] === 0) {
      least = at + 1
      at += SHORTEST
      continue
    }
    let start = at
    while (start > least && isLetter[bytes[start - 1] as number] === 1) start--
    let end = at + 1
    while (end < length && isLetter[bytes[end] as number] === 1) end++
    if (end === length) return start
    if (end - start >= SHORTEST) found(start, end)
    least = end + 1
    at = end + SHORTEST
  }
  let start = length
  while (start > least && isLetter[bytes[start - 1] as number] === 1) start--
  return start
}
