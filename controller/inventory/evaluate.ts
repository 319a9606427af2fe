import { BelayError } from '../../shared/errors.ts'
import type { Run } from '../build/run.ts'
import { endOfLog, nixProgram } from '../build/run.ts'

/** Milliseconds after which an evaluation is given up. Real fleets evaluate in seconds. */
const TIMEOUT = 10 * 60_000
/** Bytes of JSON that are read. */
const MAX_OUTPUT = 32 * 1024 * 1024

/** Evaluates an attribute of a flake. */
export type Evaluate = (attribute: string, apply?: string) => Promise<unknown>

/** Evaluates with Nix; null where the flake has no such attribute. Throws `evaluation-failed`. */
export function evaluator(flake: string, run: Run, signal: AbortSignal): Evaluate {
  return async (attribute, apply) => {
    const installable = `${flake}#${attribute}`
    const argv = [...nixProgram, 'eval', '--json', installable]
    const result = await run(apply === undefined ? argv : [...argv, '--apply', apply], {
      timeoutMs: TIMEOUT,
      signal,
      maxOutput: MAX_OUTPUT
    })
    signal.throwIfAborted()
    if (result.code === 0) return parse(result.stdout, installable)
    // Only of the attribute itself: a fault deeper in the flake may use the same words.
    const missing = new RegExp(`does not provide attribute .*'${RegExp.escape(attribute)}'`)
    if (missing.test(result.stderr)) return null
    throw new BelayError('evaluation-failed', `${installable} does not evaluate:\n${endOfLog(result)}`, {
      found: result.code,
      wanted: 0,
      at: installable
    })
  }
}

function parse(text: string, at: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BelayError('evaluation-failed', `${at} gave no JSON`, { cause, at, found: text.slice(0, 200) })
  }
}
