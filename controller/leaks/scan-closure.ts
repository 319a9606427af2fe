import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { Run } from '../build/run.ts'
import { endOfLog, nixProgram } from '../build/run.ts'
import type { Allowed, SecretsPolicy } from '../inventory/pipeline-schema.ts'
import type { Leak } from './allow.ts'
import { applyAllowed } from './allow.ts'
import type { KnownClean } from './known-clean.ts'
import { scanBuffer, scanFile } from './scan-file.ts'

/** What a scan found in what is new of a closure. */
export interface LeakReport {
  readonly storePath: string
  readonly leaks: readonly Leak[]
  readonly allowed: readonly (Leak & { readonly reason: string })[]
  readonly scanned: {
    readonly paths: number
    readonly files: number
    readonly bytes: number
    readonly seconds: number
  }
  /** Store paths that were not looked at: public already, or found clean before. */
  readonly skipped: { readonly public: number; readonly known: number }
}

/** Scans what is new in a closure. */
export type ScanClosure = (
  storePath: string,
  policy: Pick<SecretsPolicy, 'allow' | 'publicKeys'>,
  signal: AbortSignal
) => Promise<LeakReport>

/** Leaks of one closure after which nothing more is looked at: one is enough to keep it back. */
const MAX_LEAKS = 100
/** Milliseconds without a look at anything else. */
const SLICE_MS = 20

/** A scan that asks Nix for the closure, and remembers what was clean. Throws `leak-scan-failed` where it cannot look. */
export function closureScan(run: Run, known: KnownClean): ScanClosure {
  return async (storePath, { allow = [], publicKeys = ['cache.nixos.org-1'] }, signal) => {
    const all = await closureOf(storePath, run, signal)
    const clean = await known.read()
    const isPublic = ({ keys }: Path) => keys.some((key) => publicKeys.includes(key))
    const open = all.filter((path) => !isPublic(path))
    const fresh = open.filter(({ path }) => !clean.has(path))
    const began = performance.now()
    const { found, whole, files, bytes } = await scanPaths(
      fresh.map(({ path }) => path),
      allow,
      signal
    )
    const seconds = Math.round(performance.now() - began) / 1000
    const dirty = new Set(found.map(({ path }) => path.split('/').slice(0, 4).join('/')))
    await known.add(whole.filter((path) => !dirty.has(path)))
    return {
      storePath,
      ...applyAllowed(found, allow),
      scanned: { paths: fresh.length, files, bytes, seconds },
      skipped: { public: all.length - open.length, known: open.length - fresh.length }
    }
  }
}

interface Path {
  readonly path: string
  /** Names of the keys that have signed it. */
  readonly keys: readonly string[]
}

async function closureOf(storePath: string, run: Run, signal: AbortSignal): Promise<readonly Path[]> {
  const argv = [...nixProgram, 'path-info', '--recursive', '--sigs', storePath]
  const result = await run(argv, { timeoutMs: 120_000, maxOutput: 256 * 1024 * 1024, signal })
  signal.throwIfAborted()
  const paths = result.code === 0 ? parseSigs(result.stdout) : []
  if (paths.some(({ path }) => path === storePath)) return paths
  const why = result.code === 0 ? 'Nix did not name it among its own closure' : endOfLog(result)
  throw new BelayError('leak-scan-failed', `the closure of ${storePath} cannot be told: ${why}`, {
    at: storePath
  })
}

/** A path in a line, then `ultimate`, `ca:…` and signatures. */
export function parseSigs(stdout: string): Path[] {
  return stdout.split('\n').flatMap((line) => {
    const [path = '', ...words] = line.trim().split(/\s+/)
    if (!path.startsWith('/nix/store/')) return []
    return [{ path, keys: words.flatMap((word) => /^([A-Za-z0-9._-]+):/.exec(word)?.[1] ?? []) }]
  })
}

/**
 * Scans files and folders, in turn with whatever else this process does. What somebody has said is no leak does not count
 * towards the most that are kept: it must not hide what comes behind it. `whole` are the paths that were gone through.
 */
export async function scanPaths(paths: readonly string[], allow: readonly Allowed[], signal: AbortSignal) {
  const buffer = scanBuffer()
  const found: Leak[] = []
  const whole: string[] = []
  let [leaks, files, bytes, last] = [0, 0, 0, performance.now()]
  const visit = async (path: string): Promise<void> => {
    signal.throwIfAborted()
    if (performance.now() - last > SLICE_MS) {
      await setImmediate()
      last = performance.now()
    }
    const kind = await lstat(path)
    if (kind.isDirectory()) for (const name of await readdir(path)) await visit(join(path, name))
    if (!kind.isFile() || leaks >= MAX_LEAKS) return
    const own = (await scanFile(path, buffer)).map((each): Leak => ({ path, ...each }))
    found.push(...own)
    leaks += applyAllowed(own, allow).leaks.length
    files += 1
    bytes += kind.size
  }
  for (const path of paths) {
    await visit(path).catch((cause: unknown) => {
      signal.throwIfAborted()
      throw new BelayError('leak-scan-failed', `${path} cannot be scanned: ${describeError(cause)}`, {
        cause
      })
    })
    if (leaks >= MAX_LEAKS) break
    whole.push(path)
  }
  return { found, whole, files, bytes }
}
