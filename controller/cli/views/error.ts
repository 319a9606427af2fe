import { clean } from '../../../shared/clean.ts'
import { BelayError, codeOf, describeError } from '../../../shared/errors.ts'
import type { Paint } from './text.ts'

/** An error for a person: the message, then the code to look up. No line that a host wrote looks like one of ours. */
export function errorView(error: unknown, paint: Paint): string {
  const lines = messageOf(error).split('\n').map(clean)
  return `${paint('red', 'belay:')} ${lines.join('\n  ')} ${paint('dim', `[${codeOf(error)}]`)}\n`
}

/** An error for a program, on one line. */
export function errorJson(error: unknown): string {
  const detail = error instanceof BelayError ? { found: error.found, wanted: error.wanted, at: error.at } : {}
  const body = { code: codeOf(error), message: messageOf(error), ...detail }
  return `${JSON.stringify({ type: 'error', error: body })}\n`
}

/** Our own messages name their cause already; a strange error says all it knows. */
function messageOf(error: unknown): string {
  return error instanceof BelayError ? error.message : describeError(error)
}
