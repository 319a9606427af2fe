import type { CommandOptions, CommandResult } from '../../shared/command.ts'
import { isRecipient, recipientOfSshKey } from '../../shared/secrets/age.ts'
import type { Manifest } from './manifest.ts'

/** Runs a program; `runCommand`, or a fake in tests. */
export type Run = (argv: readonly string[], options: CommandOptions) => Promise<CommandResult>

/** What this host can decrypt for. */
export interface Identities {
  /** Recipients with the file of their private half. */
  readonly own: readonly { readonly recipient: string; readonly from: string }[]
  /** Keys that are not there. */
  readonly missing: readonly string[]
  /** Keys that are there, of which the public half could not be told, and why. */
  readonly untold: readonly string[]
}

/** Milliseconds for one key. */
const KEY_MS = 5000

/**
 * The recipients of this host by the keys that a manifest names. The private halves are opened by ssh-keygen and
 * age-keygen alone, which print the public ones: none of their bytes comes into this process.
 */
export async function identitiesOf(
  { ageKeyFile, ageSshKeyPaths }: Pick<Manifest, 'ageKeyFile' | 'ageSshKeyPaths'>,
  run: Run,
  exists: (path: string) => Promise<boolean>,
  signal?: AbortSignal
): Promise<Identities> {
  const options = { timeoutMs: KEY_MS, ...(signal ? { signal } : {}) }
  const own: { recipient: string; from: string }[] = []
  const missing: string[] = []
  const untold: string[] = []
  const look = async (path: string, argv: readonly string[], read: (line: string) => string | null) => {
    if (!(await exists(path))) return void missing.push(path)
    const { code, stdout } = await run(argv, options)
    const found = code === 0 ? stdout.trim().split('\n').map(read) : []
    const told = found.filter((recipient) => recipient !== null)
    if (told.length === 0) untold.push(code === null ? `${path} (${argv[0]} did not run)` : path)
    own.push(...told.map((recipient) => ({ recipient, from: path })))
  }
  for (const path of ageSshKeyPaths) await look(path, ['ssh-keygen', '-y', '-P', '', '-f', path], ofSsh)
  if (ageKeyFile !== null)
    await look(ageKeyFile, ['age-keygen', '-y', ageKeyFile], (line) => (isRecipient(line) ? line : null))
  return { own, missing, untold }
}

/** Only ed25519 keys become recipients of age. */
function ofSsh(line: string): string | null {
  return line.startsWith('ssh-ed25519 ') ? recipientOfSshKey(line) : null
}
