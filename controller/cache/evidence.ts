import type { Run } from '../build/run.ts'
import { endOfLog, nixProgram } from '../build/run.ts'

/** What a cache has of a closure. */
export interface CacheEvidence {
  readonly cache: string
  /** Null where the cache could not be asked. */
  readonly complete: boolean | null
  readonly paths: number
  /** Paths that it does not have; some of them. */
  readonly missing: readonly string[]
  readonly message: string
}

const ASK_MS = 120_000
const MAX_MISSING = 20
const MAX_OUTPUT = 256 * 1024 * 1024

/** Asks a cache for every path of a closure of this machine. Never throws, except when interrupted. */
export async function inCache(
  cache: { readonly name: string; readonly url: string },
  storePath: string,
  run: Run,
  signal: AbortSignal
): Promise<CacheEvidence> {
  const options = { timeoutMs: ASK_MS, maxOutput: MAX_OUTPUT, signal }
  const unknown = (message: string): CacheEvidence => ({
    ...{ cache: cache.name, complete: null, paths: 0, missing: [], message }
  })
  const closure = await run([...nixProgram, 'path-info', '--recursive', storePath], options)
  signal.throwIfAborted()
  const paths = closure.stdout.split('\n').filter(Boolean)
  if (closure.code !== 0 || !paths.includes(storePath))
    return unknown(endOfLog(closure) || 'no such closure here')
  // Every question is put anew: what Nix remembers of a cache may be an hour old.
  const fresh = ['--option', 'narinfo-cache-negative-ttl', '0', '--option', 'narinfo-cache-positive-ttl', '0']
  const ask = [...nixProgram, 'path-info', '--json', '--store', cache.url, ...fresh, '--stdin']
  const answer = await run(ask, { ...options, input: `${paths.join('\n')}\n` })
  signal.throwIfAborted()
  const there = answer.code === 0 ? readAnswer(answer.stdout) : null
  if (there === null) return unknown(endOfLog(answer))
  const missing = paths.filter((path) => !there.has(path))
  const message =
    missing.length === 0 ? `all ${paths.length} paths` : `${missing.length} of ${paths.length} missing`
  return {
    ...{ cache: cache.name, complete: missing.length === 0, paths: paths.length, message },
    missing: missing.slice(0, MAX_MISSING)
  }
}

/** The paths that an answer has, in each of its shapes: a list, an object, an object of names below `info`. */
export function readAnswer(text: string): ReadonlySet<string> | null {
  try {
    const answer: unknown = JSON.parse(text)
    if (Array.isArray(answer))
      return new Set(answer.filter(({ valid }) => valid !== false).map(({ path }) => String(path)))
    const { info = answer, storeDir = '/nix/store' } = answer as { info?: object; storeDir?: string }
    const known = Object.entries(info as object).filter(([, each]) => each !== null)
    return new Set(known.map(([path]) => (path.startsWith('/') ? path : `${storeDir}/${path}`)))
  } catch {
    return null
  }
}
