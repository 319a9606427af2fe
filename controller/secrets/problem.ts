/** What can be wrong with the secrets of a repository. */
export type SecretProblemKind =
  | 'not-encrypted'
  | 'value-not-encrypted'
  | 'no-mac'
  | 'not-for-host'
  | 'recipient-missing'
  | 'recipient-unexplained'
  | 'host-without-key'
  | 'host-unknown'
  | 'key-differs'
  | 'key-unreadable'
  | 'link-wrong'
  | 'unreadable'

/** One thing that is wrong; contents of secrets are never in it. */
export interface SecretProblem {
  readonly kind: SecretProblemKind
  /** A warning keeps nothing back. */
  readonly severity: 'error' | 'warning'
  /** Host that it concerns; null for all. */
  readonly host: string | null
  /** File or folder, from the flake on. */
  readonly path: string
  readonly message: string
}

const warnings: ReadonlySet<SecretProblemKind> = new Set(['recipient-unexplained', 'host-unknown'])

/** A problem with the severity of its kind. */
export const problem = (
  kind: SecretProblemKind,
  path: string,
  message: string,
  host: string | null = null
): SecretProblem => ({ kind, severity: warnings.has(kind) ? 'warning' : 'error', host, path, message })
