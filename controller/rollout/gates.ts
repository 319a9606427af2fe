import type { Run } from '../build/run.ts'
import { endOfLog } from '../build/run.ts'
import type { LookAtGate } from './ports.ts'

/** Looks at gates by running their commands here. */
export function gateRunner(run: Run): LookAtGate {
  return async ({ command, timeoutSeconds }, signal) => {
    const result = await run(command, { timeoutMs: timeoutSeconds * 1000, signal, maxOutput: 64 * 1024 })
    signal.throwIfAborted()
    if (result.code === 0) return { open: true, message: 'open' }
    if (result.timedOut) return { open: false, message: `it did not end within ${timeoutSeconds} s` }
    const last = endOfLog(result).split('\n').at(-1)
    return { open: false, message: `${command[0]} exited with ${result.code}${last ? `: ${last}` : ''}` }
  }
}
