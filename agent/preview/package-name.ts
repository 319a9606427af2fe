/** A store path's name in its parts. */
export interface PackageName {
  readonly name: string
  /** Empty for a path without version. */
  readonly version: string
}

/**
 * Splits the name of a store path as `nix store diff-closures` does: what looks like an output (`-bin`, `-lib32`) goes,
 * then the version begins behind the first dash that no letter follows. Ambiguous by nature: `-unstable` looks like an
 * output. Source: Nix, src/nix/diff-closures.cc and names.cc.
 */
export function splitName(text: string): PackageName {
  const whole = /^(.*)-(?:[a-z]+|lib32|lib64)$/s.exec(text)?.[1] ?? text
  const dash = /-(?=[^a-zA-Z])/.exec(whole)?.index
  if (dash === undefined) return { name: whole, version: '' }
  return { name: whole.slice(0, dash), version: whole.slice(dash + 1) }
}

/**
 * Which of two versions is newer, by Nix's rules: parts at dots, dashes and where digits meet letters; numbers by value,
 * a number after a word, `pre` before everything. Source: Nix manual, `nix-env --upgrade`.
 */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  const [left, right] = [parts(a), parts(b)]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [x, y] = [left[i] ?? '', right[i] ?? '']
    if (x !== y && isLess(x, y)) return -1
    if (x !== y && isLess(y, x)) return 1
  }
  return 0
}

const parts = (version: string) => version.match(/[0-9]+|[^0-9.-]+/g) ?? []
const isNumber = (text: string) => /^[0-9]+$/.test(text)

function isLess(a: string, b: string): boolean {
  if (isNumber(a) && isNumber(b)) return BigInt(a) < BigInt(b)
  if (a === '' && isNumber(b)) return true
  if (a === 'pre' && b !== 'pre') return true
  if (b === 'pre') return false
  if (isNumber(b)) return true
  if (isNumber(a)) return false
  return a < b
}
