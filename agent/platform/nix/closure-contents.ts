import { createHash } from 'node:crypto'
import { mustRun } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'

/** Paths asked about at once: with their names a command line stays far below what the kernel takes. */
const AT_ONCE = 2000

/**
 * One hash for all that is in a closure. The name of a store path says how it was built, not what is in it: who can add
 * paths could have other contents under the same names, once those that were approved are gone.
 */
export async function closureContents(paths: Iterable<string>): Promise<string> {
  const all = [...paths].sort()
  const hash = createHash('sha256')
  for (let i = 0; i < all.length; i += AT_ONCE) {
    const some = all.slice(i, i + AT_ONCE)
    const { stdout } = await mustRun(['nix-store', '--query', '--hash', ...some], { timeoutMs: 60_000 })
    hash.update(contentLines(some, stdout))
  }
  return hash.digest('hex')
}

/** A path and the hash of its content in a line, as Nix answers line by line. Throws `command-failed`. */
export function contentLines(paths: readonly string[], answer: string): string {
  const hashes = answer.split('\n').filter(Boolean)
  if (hashes.length === paths.length && hashes.every((each) => /^[a-z0-9]+:[0-9a-z]+$/.test(each)))
    return paths.map((path, i) => `${path} ${hashes[i]}\n`).join('')
  const text = 'nix-store --query --hash answered something that is not known'
  throw new BelayError('command-failed', text, {
    found: `${hashes.length} lines: ${answer.slice(0, 200)}`,
    wanted: `a hash for each of ${paths.length} paths`
  })
}
