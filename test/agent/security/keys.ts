import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SignedApproval, Statement } from '../../../shared/approval.ts'
import {
  APPROVAL_NAMESPACE,
  approvalTime,
  formatApproval,
  formatStatement,
  parseApproval
} from '../../../shared/approval.ts'
import { plan } from '../../shared/plans.ts'

const verify = ['-Y', 'verify', '-n', APPROVAL_NAMESPACE]

/** People with real keys, in a directory of theirs. */
export function keyRing(directory: string) {
  const keygen = (...args: string[]) => execFileSync('ssh-keygen', args, { cwd: directory, stdio: 'pipe' })
  const publicKey = (name: string) => readFileSync(join(directory, `${name}.pub`), 'utf8').trim()
  return {
    keygen,
    publicKey,
    make: (name: string, type = 'ed25519') => {
      keygen('-q', '-t', type, '-N', '', '-C', '', '-f', name)
      return publicKey(name)
    },
    /** Signs any text, for any purpose. */
    sign: (name: string, text: string, namespace = APPROVAL_NAMESPACE): string =>
      execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', name], {
        cwd: directory,
        input: text,
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'pipe']
      }),
    /** What ssh-keygen says to a signature, by files of this directory. Throws where it is not good. */
    verify: (who: string, signers: string, signature: string, text: string): string =>
      execFileSync('ssh-keygen', [...verify, '-I', who, '-f', signers, '-s', signature], {
        cwd: directory,
        input: text,
        encoding: 'utf8'
      }),
    file: (name: string) => join(directory, name)
  }
}
export type KeyRing = ReturnType<typeof keyRing>

export const path = (letter: string) => `/nix/store/${letter.repeat(32)}-nixos-system-cinnabar`

let made = 0
/** A statement that is good for an hour; no two have the same identity. */
export function statement(change: Partial<Statement> = {}, nowMs = Date.now()): Statement {
  made += 1
  return {
    host: 'cinnabar',
    profile: 'system',
    storePath: path('b'),
    planHash: plan({ from: path('a'), to: path('b') }).hash,
    mode: 'switch',
    confirm: 'health',
    revision: null,
    issuedAt: approvalTime(nowMs - 1000),
    expiresAt: approvalTime(nowMs + 3_600_000),
    id: made.toString(16).padStart(32, '0'),
    ...change
  }
}

/** A whole document, signed by somebody. */
export function signed(
  ring: KeyRing,
  name: string,
  what: Statement = statement()
): SignedApproval & { readonly document: string } {
  const text = formatStatement(what)
  const document = formatApproval(text, ring.sign(name, text))
  return { ...parseApproval(document), document }
}
