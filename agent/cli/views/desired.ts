import type { DesiredState } from '../../../shared/api/desired.ts'
import { clean } from '../../../shared/clean.ts'

/** What is to run, and why it does not yet. */
export function desiredView({ desired, is, reachedAt, pending }: DesiredState): string {
  const lines: string[] = []
  if (desired === null && pending === null) return 'no desired state'
  if (desired !== null) {
    const { storePath, revision, receivedAt, principal, reason, withdrawn } = desired
    lines.push(`${is}: revision ${revision}, ${clean(storePath)}`)
    lines.push(`  said at ${receivedAt} by ${clean(principal)}${reason ? `: ${clean(reason)}` : ''}`)
    if (withdrawn !== null)
      lines.push(
        `  taken back at ${withdrawn.at} by ${clean(withdrawn.principal)}: ${clean(withdrawn.reason)}`
      )
    if (is === 'reached' && reachedAt !== null) lines.push(`  reached at ${reachedAt}`)
  }
  if (pending !== null) {
    lines.push(`  ${pending.code} since ${pending.since}: ${clean(pending.text)}`)
    if (pending.unblock !== '') lines.push(`  what would change it: ${clean(pending.unblock)}`)
  }
  return lines.join('\n')
}
