import { defineKind, judge, path, thresholds } from './kind.ts'

/** Names looked at; so many roots are too many in any case. */
const MAX_ENTRIES = 20_000
const MAX_DEPTH = 8

/** How many roots the garbage collector has: what they pin fills the store without anybody noticing. */
export const gcRootsKind = defineKind({
  options: {
    directory: path('Where the roots are', '/nix/var/nix/gcroots'),
    ...thresholds('Roots', { warn: 500, fail: null })
  },
  gives: { measures: null, unit: 'roots' },
  begin:
    ({ directory, ...bounds }) =>
    async ({ root, signal }) => {
      const { roots, complete } = await countRoots(root + directory, signal)
      return judge(roots, bounds, `${complete ? '' : 'more than '}${roots} roots`)
    }
})

/** Links below a directory, none of them followed. */
export async function countRoots(top: string, signal: AbortSignal, max = MAX_ENTRIES) {
  const { opendir } = await import('node:fs/promises')
  const waiting = [{ path: top, depth: 0 }]
  let seen = 0
  let roots = 0
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for await (const entry of await opendir(at.path)) {
      signal.throwIfAborted()
      if (++seen > max) return { roots, complete: false }
      if (entry.isSymbolicLink()) roots++
      else if (entry.isDirectory() && at.depth < MAX_DEPTH)
        waiting.push({ path: `${at.path}/${entry.name}`, depth: at.depth + 1 })
    }
  }
  return { roots, complete: true }
}
