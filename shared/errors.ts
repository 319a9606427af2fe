/**
 * Closed error codes. Each is part of the API: a caller may branch on it. The number is the HTTP status with
 * which the agent answers.
 */
export const errorCodes = {
  'invalid-request': 400,
  'invalid-json': 400,
  'invalid-store-path': 400,
  'invalid-config': 400,
  'invalid-fleet-file': 400,
  'nonce-missing': 400,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  'role-too-low': 403,
  'permission-denied': 403,
  'nonce-wrong': 403,
  'connection-too-old': 403,
  'not-found': 404,
  'operation-unknown': 404,
  'generation-unknown': 404,
  'path-not-valid': 422,
  'not-a-system': 422,
  'wrong-host': 422,
  'wrong-platform': 422,
  'agent-missing': 422,
  'reserved-unit': 422,
  'operation-running': 409,
  'idempotency-conflict': 409,
  'idempotency-reserved': 400,
  'not-confirming': 409,
  'not-cancellable': 409,
  'no-known-good': 409,
  'known-bad': 409,
  drifted: 409,
  'profile-moved': 409,
  'home-unknown': 404,
  'home-integrated': 409,
  'home-collision': 409,
  'home-failed': 409,
  'not-a-home': 422,
  'wrong-user': 422,
  'no-user-manager': 409,
  'plan-changed': 409,
  'desired-older': 409,
  'desired-conflict': 409,
  'no-soak': 404,
  'reboot-required': 422,
  'baseline-broken': 409,
  'trial-boot-unavailable': 409,
  'not-staged': 409,
  'reboot-not-allowed': 403,
  // Preflight.
  held: 409,
  'outside-window': 409,
  unsigned: 422,
  'trust-lost': 422,
  'agent-broken': 422,
  'baseline-not-bootable': 409,
  'boot-not-writable': 409,
  'no-second-way': 409,
  'users-logged-in': 409,
  'clock-not-synchronised': 409,
  'secret-undecryptable': 422,
  'baseline-secret-undecryptable': 409,
  'preflight-unknown': 409,
  'preflight-busy': 429,
  'journal-corrupt': 500,
  'half-activated': 409,
  'no-user-session': 409,
  'apps-not-writable': 409,
  'invalid-plist': 422,
  'no-space': 507,
  'command-failed': 500,
  'command-timeout': 504,
  'request-timeout': 408,
  'too-many-streams': 429,
  'too-many-requests': 429,
  'preview-busy': 429,
  'host-unreachable': 502,
  'build-failed': 500,
  'check-failed': 500,
  'secrets-wrong': 422,
  'vars-failed': 500,
  'checklist-incomplete': 409,
  'push-failed': 502,
  'leak-found': 422,
  'leak-scan-failed': 500,
  'approval-missing': 403,
  'approval-too-few': 403,
  'approval-malformed': 400,
  'approval-bad-signature': 403,
  'approval-unknown-key': 403,
  'approval-key-revoked': 403,
  'approval-signers-unsafe': 409,
  'approval-not-yet-valid': 409,
  'approval-expired': 409,
  'approval-used': 409,
  'approval-revoked': 409,
  'approval-wrong-host': 422,
  'approval-wrong-profile': 422,
  'approval-wrong-path': 422,
  'approval-wrong-mode': 422,
  'approval-wrong-confirm': 422,
  'approval-wrong-plan': 409,
  'approval-wrong-revision': 422,
  'approval-older': 409,
  'rollback-not-known-good': 403,
  'approval-unknown': 404,
  'approval-too-many': 429,
  'check-unknown': 404,
  'invalid-answer': 502,
  'invalid-evidence': 502,
  'invalid-decisions': 500,
  'monitoring-unreachable': 502,
  'monitoring-failed': 502,
  'invalid-inventory': 400,
  'evaluation-failed': 500,
  'invalid-rollout': 400,
  'rollout-unknown': 404,
  'rollout-active': 409,
  'rollout-ended': 409,
  'store-locked': 409,
  'token-invalid': 401,
  'token-unknown': 404,
  'proposal-unknown': 404,
  'reboot-not-now': 409,
  'host-unknown': 404,
  'certificate-unusable': 400,
  'certificate-untrusted': 401,
  'certificate-expired': 401,
  'certificate-revoked': 401,
  'certificate-without-role': 403,
  'certificate-unknown': 404,
  'revocation-list-expired': 503,
  'server-untrusted': 502,
  'authority-missing': 404,
  'store-broken': 500,
  internal: 500
} as const satisfies Record<string, number>

/** A closed error code. */
export type ErrorCode = keyof typeof errorCodes

/** What an error knows besides its code: what was found, what was wanted, and where. */
export interface ErrorDetail {
  readonly found?: unknown
  readonly wanted?: unknown
  readonly at?: string
  readonly cause?: unknown
}

/** An error with a closed code, the value found and the value wanted. */
export class BelayError extends Error {
  override readonly name = 'BelayError'
  readonly code: ErrorCode
  readonly found: unknown
  readonly wanted: unknown
  readonly at: string | undefined

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.found = detail.found
    this.wanted = detail.wanted
    this.at = detail.at
  }
}

/** The code of anything thrown; `internal` for what is not ours. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof BelayError ? error.code : 'internal'
}

/** Message and the messages of its causes, once, in one line. */
export function describeError(error: unknown): string {
  const parts: string[] = []
  for (let e: unknown = error; e !== undefined && e !== null; e = e instanceof Error ? e.cause : undefined) {
    const text = e instanceof Error ? e.message : String(e)
    if (!parts.includes(text)) parts.push(text)
  }
  return parts.join(': ')
}
