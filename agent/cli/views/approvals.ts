import type { Approval } from '../../../shared/api/approval.ts'
import { clean } from '../../../shared/clean.ts'

const ends: Record<Approval['state'], (approval: Approval) => string> = {
  waiting: ({ expiresAt }) => `until ${expiresAt}`,
  expired: ({ expiresAt }) => `since ${expiresAt}`,
  used: ({ endedBy }) => `by operation ${clean(endedBy ?? '')}`,
  revoked: ({ endedBy, reason }) => `by ${clean(endedBy ?? '')}: ${clean(reason ?? '')}`
}

/** Approvals, newest first, three lines each. */
export function approvals(all: readonly Approval[]): string {
  if (all.length === 0) return 'no approvals'
  return all
    .map((approval) => {
      const { id, state, principal, key, storePath, planHash, mode, confirm, revision } = approval
      const only = revision === null ? '' : `, revision ${revision} alone`
      return [
        `${id}  ${state} ${ends[state](approval)}`,
        `  by ${clean(principal)} with ${clean(key)}`,
        `  ${storePath}\n  plan ${planHash}, mode ${mode}, confirmed by ${confirm}${only}`
      ].join('\n')
    })
    .join('\n')
}
