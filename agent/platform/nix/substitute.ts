import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'

/** A closure may be large and its line thin; what was fetched until then stays. Milliseconds. */
const LIMIT = 4 * 3_600_000

/**
 * Fetches a path with its closure from the configured substituters, as Nix trusts them. Builds nothing: what no
 * substituter has is `path-not-valid`.
 */
export async function substitute(storePath: string): Promise<void> {
  const argv = ['nix-store', '--realise', '--max-jobs', '0', '--quiet', storePath]
  const { code, stderr, timedOut } = await runCommand(argv, {
    timeoutMs: LIMIT,
    env: { NIX_REMOTE: '' },
    maxOutput: 64 * 1024
  })
  if (code === 0) return
  const said = timedOut ? `not within ${LIMIT / 1000} s` : (stderr.trim().split('\n').at(-1) ?? '')
  const text = `${storePath} is not here, and no substituter gave it: ${said.slice(0, 300)}`
  const wanted = 'copy it here, or configure a substituter that has it'
  throw new BelayError('path-not-valid', text, { found: said.slice(0, 300), wanted, at: 'storePath' })
}
