import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { APPROVAL_NAMESPACE } from '../../shared/approval.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Run } from '../build/run.ts'
import type { SigningKey } from './key.ts'

/** How long a person may take to type a passphrase or to touch a key, in milliseconds. */
const PATIENCE = 5 * 60_000

/** Opens a key for signing; `use` gets what tells it apart and what signs with it. Leaves nothing behind. */
export async function withKey<T>(
  key: SigningKey,
  run: Run,
  use: (fingerprint: string, sign: (text: string) => Promise<string>) => Promise<T>
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'belay-sign-'))
  try {
    const file = 'file' in key ? key.file : join(directory, 'key.pub')
    if ('publicKey' in key) await writeFile(file, `${key.publicKey}\n`, { mode: 0o600 })
    return await use(await fingerprintOf(file, run), (text) => sign(text, { file, directory, run }))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Bits, hash, comment and kind, as ssh-keygen has them; the name of the file where that cannot be told. */
async function fingerprintOf(file: string, run: Run): Promise<string> {
  const { code, stdout } = await run(['ssh-keygen', '-l', '-f', file], { timeoutMs: 10_000 })
  return code === 0 ? stdout.trim() : file
}

/**
 * ssh-keygen signs a file, not its input: it asks for a passphrase only where its input is the terminal. What it says
 * goes to the person, so that a key which waits to be touched can say so.
 */
async function sign(
  text: string,
  { file, directory, run }: { readonly file: string; readonly directory: string; readonly run: Run }
): Promise<string> {
  const statement = join(directory, 'statement')
  await writeFile(statement, text, { mode: 0o600 })
  const argv = ['ssh-keygen', '-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', file, statement]
  const { code, timedOut } = await run(argv, { timeoutMs: PATIENCE, onTerminal: true })
  if (timedOut) throw new BelayError('command-timeout', 'nobody signed within five minutes')
  if (code === 0) return await readFile(`${statement}.sig`, 'utf8')
  throw new BelayError('command-failed', 'not signed; ssh-keygen said why', { found: code, wanted: 0 })
}
