import { isTerminal } from '../../shared/operation/phase.ts'
import { readOperation } from '../operation/store.ts'

/** How long a new runner waits for the one before, in milliseconds. */
export const WAIT_MS = 30_000

/**
 * After so long, in milliseconds, a runner whose operation is over is ended. What it does behind the end is done in less, and
 * may be broken off; but now and then Node does not end at its end (nodejs/node#54918), and nothing else could be carried out.
 */
export const LINGER_MS = 10_000

/** True where the operation has ended, for certain. */
export const isOver = (root: string, id: string): Promise<boolean> =>
  readOperation(root, id).then(
    ({ phase }) => isTerminal(phase),
    () => false
  )
