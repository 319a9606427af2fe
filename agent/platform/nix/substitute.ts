import { statfs } from 'node:fs/promises'
import { runCommand } from '../../../shared/command.ts'
import { BelayError } from '../../../shared/errors.ts'

/** A closure may be large and its line thin; what was fetched until then stays. Milliseconds. */
const LIMIT = 4 * 3_600_000
/** How often the space is looked at. */
const LOOK_MS = 500

/** What a fetch must leave, and how that is seen. */
export interface Room {
  /** Bytes that stay free where the store is. */
  readonly bytes: number
  /** Bytes that are free now. */
  readonly free?: () => Promise<number>
}

/**
 * Has the Nix daemon fetch a path with its closure from the configured substituters, as Nix trusts them: the agent does
 * not reach the network. Builds nothing: what no
 * substituter has is `path-not-valid`. Nix compares sizes only when all is unpacked: a few bytes that unpack to a whole disk
 * are stopped by the space that is left, `no-space`.
 */
export async function substitute(storePath: string, { bytes, free = freeInStore }: Room): Promise<void> {
  const argv = ['nix-store', '--realise', '--max-jobs', '0', '--quiet', storePath]
  const full = new AbortController()
  const look = async () => {
    if ((await free()) < bytes) full.abort()
  }
  const tooFull = () => {
    const text = `${storePath} was not fetched: fewer than ${bytes} bytes would stay free in the store`
    return new BelayError('no-space', `${text}; nix-collect-garbage removes what was left`, { wanted: bytes })
  }
  await look()
  if (full.signal.aborted) throw tooFull()
  const timer = setInterval(() => void look().catch(() => full.abort()), LOOK_MS)
  const options = {
    timeoutMs: LIMIT,
    signal: full.signal,
    env: { NIX_REMOTE: 'daemon' },
    maxOutput: 64 * 1024
  }
  const { code, stderr, timedOut } = await runCommand(argv, options).finally(() => clearInterval(timer))
  if (code === 0) return
  if (full.signal.aborted) throw tooFull()
  const said = timedOut ? `not within ${LIMIT / 1000} s` : (stderr.trim().split('\n').at(-1) ?? '')
  const text = `${storePath} is not here, and no substituter gave it: ${said.slice(0, 300)}`
  const wanted = 'copy it here, or configure a substituter that has it'
  throw new BelayError('path-not-valid', text, { found: said.slice(0, 300), wanted, at: 'storePath' })
}

async function freeInStore(): Promise<number> {
  const { bavail, bsize } = await statfs('/nix/store')
  return bavail * bsize
}
