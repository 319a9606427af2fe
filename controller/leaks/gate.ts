import { BelayError } from '../../shared/errors.ts'
import type { SecretsPolicy } from '../inventory/pipeline-schema.ts'
import type { LeakReport, ScanClosure } from './scan-closure.ts'

/** Lets a closure through, or throws `leak-found`. */
export type LeakGate = (storePath: string, warn: (line: string) => void) => Promise<void>

/** What a person does about it. */
export const LEAK_HINT =
  'Change it, and what uses it: it is in the store of this machine, which anybody on it can read. ' +
  'Where it is no secret, say so with the reason in secrets.allow of the fleet file.'

/** Leaks that an error names. */
const NAMED = 5

/** Looks at each closure once, before it goes anywhere, as the fleet file says. */
export function leakGate(scan: ScanClosure, policy: SecretsPolicy, signal: AbortSignal): LeakGate {
  const reports = new Map<string, Promise<LeakReport>>()
  return async (storePath, warn) => {
    if (policy.scan === 'off') return
    const report = reports.get(storePath) ?? scan(storePath, policy, signal)
    reports.set(storePath, report)
    // What could not be looked at once may be looked at the next time.
    report.catch(() => reports.delete(storePath))
    const { leaks } = await report
    if (leaks.length === 0) return
    const text = describeLeaks(leaks)
    if (policy.scan === 'warn') return warn(`there are secrets in ${storePath}: ${text}`)
    throw new BelayError('leak-found', `there are secrets in ${storePath}:\n${text}\n${LEAK_HINT}`, {
      found: leaks.slice(0, NAMED),
      wanted: 'none',
      at: storePath
    })
  }
}

/** Each leak in a line: what and where, never the value. */
export function describeLeaks(leaks: LeakReport['leaks']): string {
  const lines = leaks.slice(0, NAMED).map(({ path, kind, offset }) => `${kind} in ${path}, byte ${offset}`)
  return [...lines, ...(leaks.length > NAMED ? [`and ${leaks.length - NAMED} more`] : [])].join('\n')
}
