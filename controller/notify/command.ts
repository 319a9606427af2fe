import type { Run } from '../build/run.ts'
import { endOfLog } from '../build/run.ts'
import type { Send } from './message.ts'
import { bodyOf } from './webhook.ts'

/** "Try again later", as sendmail and its kin say it (sysexits.h). */
const EX_TEMPFAIL = 75
/** Bytes of output that are kept. */
const MAX_OUTPUT = 64 * 1024

/** Runs a program with the message as JSON on its standard input. Only exit code 75 asks for another attempt. */
export function command(argv: readonly string[], timeoutMs: number, run: Run): Send {
  return async (message, now, signal) => {
    const input = `${bodyOf(message, now)}\n`
    const result = await run(argv, { timeoutMs, input, signal, maxOutput: MAX_OUTPUT })
    if (result.code === 0) return { ok: true }
    const end = endOfLog(result).split('\n').at(-1)
    const how = result.timedOut
      ? `did not end within ${timeoutMs / 1000} s`
      : result.code === null
        ? 'was not run to its end'
        : `exited with ${result.code}`
    const error = `${argv[0]} ${how}${end && !result.timedOut ? `: ${end}` : ''}`
    return { ok: false, error, again: result.code === EX_TEMPFAIL }
  }
}
