import type { DesiredPending, DesiredState } from '../../shared/api/desired.ts'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { Why } from './decide.ts'
import type { Progress } from './progress.ts'
import type { Kept } from './store.ts'

/** What is told while it is fetched. */
export const fetching = (storePath: string): Why => ({
  code: 'fetching',
  text: `${storePath} is fetched from the substituters`,
  unblock: 'its end',
  operation: null
})

/** What is kept and what was found last, for people and programs. */
export function viewOf(kept: Kept | null, progress: Progress | null): DesiredState {
  const desired = kept?.desired ?? null
  const is =
    desired === null
      ? 'none'
      : desired.withdrawn !== null
        ? 'withdrawn'
        : progress !== null && progress.pending === null && progress.reachedAt !== null
          ? 'reached'
          : 'pending'
  const pending = is === 'pending' ? (progress?.pending ?? notYet(desired?.receivedAt ?? '')) : null
  return { desired, is, reachedAt: progress?.reachedAt ?? null, pending }
}

/** Between the moment at which it was taken in and the first look. */
const notYet = (since: string): DesiredPending => ({
  code: 'unknown',
  since,
  text: 'it has not been looked at yet',
  unblock: 'the next look, within seconds',
  operation: null
})

/** What is told where nothing can be read. */
export function unreadable(error: unknown, since: string): DesiredState {
  const text = describeError(error)
  const wanted = error instanceof BelayError && typeof error.wanted === 'string' ? error.wanted : ''
  const pending = { code: 'unreadable' as const, since, text, unblock: wanted, operation: null }
  return { desired: null, is: 'pending', reachedAt: null, pending }
}
