import type { Allowed } from '../inventory/pipeline-schema.ts'
import type { LeakKind } from './kinds.ts'

/** One secret in a closure: where, and of what kind. What it is stays where it is. */
export interface Leak {
  readonly path: string
  readonly kind: LeakKind
  /** Bytes from the beginning of the file. */
  readonly offset: number
}

/** Keys and hashes that programs known to everybody have in them: for their own tests, or as examples. */
const published: readonly Allowed[] = [
  { path: '*/libgnutls.*', kind: 'private-key', reason: 'keys of the self-tests of GnuTLS' },
  { path: '*/sshd*', kind: 'password-hash', reason: 'what sshd compares with for a user who is not there' },
  { path: '*/bin/nix*', kind: 'nix-signing-key', reason: 'an example in the manual in it' },
  { path: '*/libnix*', kind: 'nix-signing-key', reason: 'an example in the manual in it' },
  {
    path: '*/bin/prometheus',
    kind: 'password-hash',
    reason: 'what it compares with for a user who is not there'
  },
  { path: '*/bin/age-keygen', kind: 'age-key', reason: 'the example in its usage' }
]

/** A pattern in which `*` stands for anything, from the name of a store path on. */
function matcher(pattern: string): RegExp {
  const parts = pattern.split(/\*+/).map((part) => RegExp.escape(part))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}

/** Splits what was found into leaks, and what somebody has said is none. */
export function applyAllowed(leaks: readonly Leak[], allowed: readonly Allowed[]) {
  const rules = [...allowed, ...published].map(({ path, kind, reason }) => ({
    match: matcher(path),
    kind,
    reason
  }))
  const judged = leaks.map((leak) => {
    const name = leak.path.replace(/^\/nix\/store\/[0-9a-z]{32}-/, '')
    const rule = rules.find(({ match, kind }) => (kind ?? leak.kind) === leak.kind && match.test(name))
    return { leak, reason: rule?.reason ?? null }
  })
  return {
    leaks: judged.filter(({ reason }) => reason === null).map(({ leak }) => leak),
    allowed: judged.flatMap(({ leak, reason }) => (reason === null ? [] : [{ ...leak, reason }]))
  }
}
