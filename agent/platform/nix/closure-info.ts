import { mustRun, runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Sizes } from '../../preview/closure.ts'
import { closureOf, readPathInfo } from '../../preview/path-info.ts'

const timeoutMs = 60_000
/** Bytes of JSON that are read: some 25,000 paths. For more the older program does, which tells less of each. */
const MAX_JSON = 24 * 1024 * 1024
/** Store paths on one command line. */
const CHUNK = 1000

/**
 * The closures of two generations with the sizes of their paths, as Nix's database has them. One question for both: what
 * they share is looked up once.
 */
export async function readClosures(from: string, to: string): Promise<readonly [Sizes, Sizes]> {
  const nix = ['nix', '--extra-experimental-features', 'nix-command']
  const argv = [...nix, 'path-info', '--json', '--recursive', from, to]
  const { code, stdout } = await runCommand(argv, { timeoutMs, maxOutput: MAX_JSON })
  if (code !== 0) return readClosuresByStore(from, to)
  const infos = readPathInfo(stdout)
  return [closureOf(from, infos), closureOf(to, infos)]
}

/** The same by `nix-store`, for a Nix whose answer is not what it was, or too long. */
export async function readClosuresByStore(from: string, to: string): Promise<readonly [Sizes, Sizes]> {
  const [old, now] = await Promise.all([requisites(from), requisites(to)])
  const sizes = await sizesOf([...new Set([...old, ...now])])
  const of = (paths: readonly string[]) => new Map(paths.map((path) => [path, sizes.get(path) ?? 0]))
  return [of(old), of(now)]
}

async function requisites(path: string): Promise<readonly string[]> {
  const argv = ['nix-store', '--query', '--requisites', path]
  const { code, stdout, stderr } = await runCommand(argv, { timeoutMs, maxOutput: 64 * 1024 * 1024 })
  if (code === 0) return stdout.split('\n').filter(Boolean)
  const found = stderr.trim().slice(0, 500)
  const wanted = 'a valid store path; copy it here first'
  throw new BelayError('path-not-valid', `${path} is not valid in this store`, { found, wanted })
}

async function sizesOf(paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  for (let i = 0; i < paths.length; i += CHUNK) {
    const chunk = paths.slice(i, i + CHUNK)
    const { stdout } = await mustRun(['nix-store', '--query', '--size', ...chunk], { timeoutMs })
    const lines = stdout.trim().split('\n')
    for (const [at, path] of chunk.entries()) sizes.set(path, Number(lines[at] ?? 0))
  }
  return sizes
}
