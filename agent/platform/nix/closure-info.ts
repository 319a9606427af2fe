import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Sizes } from '../../preview/closure.ts'
import { closureOf, readPathInfo, readPathSizes } from '../../preview/path-info.ts'

const pathInfo = ['nix', '--extra-experimental-features', 'nix-command', 'path-info', '--recursive']
const limits = { timeoutMs: 60_000, maxOutput: 64 * 1024 * 1024 }

/** The closures of two generations with the sizes of their paths, as Nix's database has them. */
export async function readClosures(from: string, to: string): Promise<readonly [Sizes, Sizes]> {
  const sizes = await Promise.all([plainSizes(from), plainSizes(to)])
  const [before, after] = sizes
  return before && after ? [before, after] : readClosuresAsJson(from, to)
}

/**
 * What people read: a path and its size in a line. A twentieth of the JSON, which counts in a process that is to stay
 * small. Null where it is not what it was in the releases that are known: then JSON has its shapes.
 */
async function plainSizes(root: string): Promise<Sizes | null> {
  const { code, stdout, timedOut } = await runCommand([...pathInfo, '--size', root], limits)
  // What does not answer in this form will not in the other.
  if (timedOut) {
    const text = `nix path-info did not end within ${limits.timeoutMs} ms`
    throw new BelayError('command-timeout', text, { at: root })
  }
  return code === 0 ? readPathSizes(root, stdout) : null
}

/** The same from JSON, in one question for both. */
export async function readClosuresAsJson(from: string, to: string): Promise<readonly [Sizes, Sizes]> {
  const { code, stdout, stderr } = await runCommand([...pathInfo, '--json', from, to], limits)
  if (code !== 0) {
    const found = stderr.trim().slice(0, 500)
    const wanted = 'valid store paths; copy them here first'
    throw new BelayError('path-not-valid', `Nix knows no closures of ${from} and ${to}`, { found, wanted })
  }
  const infos = readPathInfo(stdout)
  return [closureOf(from, infos), closureOf(to, infos)]
}
