import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SignedApproval } from '../../shared/approval.ts'
import { APPROVAL_NAMESPACE } from '../../shared/approval.ts'
import type { CommandResult } from '../../shared/command.ts'
import { runCommand } from '../../shared/command.ts'
import { BelayError } from '../../shared/errors.ts'

/** Who may sign, and which keys may not any more: the bytes of both files. */
export interface Signers {
  readonly allowed: Buffer
  readonly revoked: Buffer | null
}

/** Who signed. */
export interface Signer {
  /** Identity, as allowed_signers names it or, for a certificate, as its authority does. */
  readonly principal: string
  /** Fingerprint of the key. */
  readonly key: string
}

const TIMEOUT_MS = 10_000

/** A name of somebody. A pattern, such as `*`, is none: with it anybody could be anybody. */
const PRINCIPAL = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/
const GOOD = /^Good "belay-approval@belay" signature for (\S+) with \S+ key (SHA256:\S+)$/m

/**
 * Has ssh-keygen verify a signature against copies of the files that were judged, which nobody else can enter. Throws
 * `approval-unknown-key`, `approval-key-revoked` or `approval-bad-signature`.
 */
export async function verifySignature(approval: SignedApproval, signers: Signers): Promise<Signer> {
  const directory = await mkdtemp(join(tmpdir(), 'belay-approval-'))
  const at = (name: string) => join(directory, name)
  try {
    await writeFile(at('allowed'), signers.allowed, { mode: 0o600 })
    await writeFile(at('signature'), approval.signature, { mode: 0o600 })
    if (signers.revoked !== null) await writeFile(at('revoked'), signers.revoked, { mode: 0o600 })
    const revoked = signers.revoked === null ? [] : ['-r', at('revoked')]
    const files = ['-s', at('signature'), '-f', at('allowed')]
    const principal = await principalOf(files)
    const verify = (more: readonly string[]) =>
      keygen(['verify', ...files, '-I', principal, '-n', APPROVAL_NAMESPACE, ...more], approval.text)
    const result = await verify(revoked)
    const [, named, key] = GOOD.exec(result.stdout) ?? []
    if (result.code === 0 && named === principal && key !== undefined) return { principal, key }
    if (revoked.length > 0 && (await verify([])).code === 0)
      throw refusal(
        'approval-key-revoked',
        `the key of ${principal} is revoked, or the list of revoked keys cannot be read`,
        result
      )
    throw becauseOf(principal, result)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The first identity that the file gives to the key; a key has one, however many stand beside it. */
async function principalOf(files: readonly string[]): Promise<string> {
  const found = await keygen(['find-principals', ...files])
  const [principal = ''] = found.stdout.split('\n')
  if (found.code !== 0 || principal === '')
    throw refusal('approval-unknown-key', 'signed with a key that may not approve here', found)
  if (PRINCIPAL.test(principal)) return principal
  const text = `the key is not that of one person: ${JSON.stringify(principal.slice(0, 80))}`
  throw refusal('approval-unknown-key', text, found)
}

function becauseOf(principal: string, result: CommandResult): BelayError {
  if (/namespace does not match/.test(result.stderr))
    return refusal('approval-bad-signature', 'the signature was made for something else', result)
  if (/incorrect signature/.test(result.stderr))
    return refusal('approval-bad-signature', 'the signature is not of this statement', result)
  return refusal('approval-unknown-key', `the key of ${principal} may not approve here and now`, result)
}

type Refused = 'approval-unknown-key' | 'approval-key-revoked' | 'approval-bad-signature'

function refusal(code: Refused, text: string, { stderr }: CommandResult): BelayError {
  // Of what ssh-keygen says only the end, without the names of our copies.
  const found =
    stderr
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^\S*\/(allowed|signature|revoked)\b/, '$1') ?? ''
  const wanted = `a signature by a key in allowed_signers, namespace ${APPROVAL_NAMESPACE}`
  return new BelayError(code, found === '' ? text : `${text} (${found})`, { found, wanted })
}

async function keygen(args: readonly string[], input = ''): Promise<CommandResult> {
  const result = await runCommand(['ssh-keygen', '-Y', ...args], {
    timeoutMs: TIMEOUT_MS,
    input,
    env: { LC_ALL: 'C' },
    maxOutput: 64 * 1024
  })
  if (result.timedOut)
    throw new BelayError('command-timeout', `ssh-keygen did not end within ${TIMEOUT_MS} ms`)
  if (result.code === null)
    throw new BelayError('command-failed', `ssh-keygen does not run: ${result.stderr}`, {
      wanted: 'ssh-keygen in PATH'
    })
  return result
}
