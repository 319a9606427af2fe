import { mustRun } from '../../../shared/command.ts'
import type { SignedPath } from '../../security/path-signature.ts'
import { signaturesIn } from '../../security/path-signature.ts'

const nix = ['nix', '--extra-experimental-features', 'nix-command', 'path-info', '--sigs']

/** What Nix's own database, past the daemon, has of one path: what is signed of it, and its signatures. */
export async function readSignedPath(
  storePath: string,
  signal: AbortSignal
): Promise<{ readonly path: SignedPath; readonly signatures: readonly string[] }> {
  const options = { timeoutMs: 30_000, signal, env: { NIX_REMOTE: '' } }
  const query = async (what: string) =>
    (await mustRun(['nix-store', '--query', what, storePath], options)).stdout.trim()
  const [narHash, size, references, { stdout }] = await Promise.all([
    query('--hash'),
    query('--size'),
    query('--references'),
    mustRun([...nix, storePath], options)
  ])
  const path = {
    storePath,
    narHash,
    narSize: Number(size),
    references: references.split('\n').filter(Boolean)
  }
  return { path, signatures: signaturesIn(stdout) }
}
