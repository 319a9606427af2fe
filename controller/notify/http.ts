import { describeError } from '../../shared/errors.ts'
import type { Attempt } from './message.ts'

/** Characters of an answer that go into an error. */
const SHOWN = 200
/** Longest time that a receiver may ask us to wait, in milliseconds. */
const LONGEST_WAIT = 60_000

/** One request of a sink. */
export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Milliseconds for the answer. */
  readonly timeoutMs: number
}

/**
 * Posts JSON once. Redirects are not followed: they would carry the message, and its token, somewhere that nobody
 * configured.
 */
export async function post(
  { url, headers, body, timeoutMs }: Post,
  now: number,
  signal: AbortSignal
): Promise<Attempt> {
  let answer: Response
  try {
    answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'user-agent': 'belay', ...headers },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    })
  } catch (error) {
    return { ok: false, again: true, error: describeError(error) }
  }
  if (answer.ok) {
    await answer.body?.cancel().catch(() => {})
    return { ok: true }
  }
  const said = await beginning(answer, secretsIn(url, headers))
  const error = `it answered ${answer.status}${said ? `: ${said}` : ''}`
  const again = answer.status === 408 || answer.status === 429 || answer.status >= 500
  const waitMs = again ? retryAfter(answer.headers.get('retry-after'), now) : undefined
  return { ok: false, again, error, ...(waitMs === undefined ? {} : { waitMs }) }
}

/** What of a request is nobody's business: many a receiver is known by nothing but the rest of its address. */
function secretsIn(url: string, headers: Readonly<Record<string, string>>): readonly string[] {
  const { pathname, search } = new URL(url)
  const token = (headers.authorization ?? '').replace(/^\S+ /, '')
  return [token, `${pathname}${search}`, pathname].filter((secret) => secret.length > 1)
}

/** The first words of an answer; the rest is not read. Some receivers say all that they were told. */
async function beginning(answer: Response, secrets: readonly string[]): Promise<string> {
  let text = ''
  // Long enough that none is cut in two before it is taken out.
  const enough = SHOWN + Math.max(0, ...secrets.map(({ length }) => length))
  try {
    const decoder = new TextDecoder()
    for await (const chunk of answer.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length >= enough) break
    }
  } catch {} // what there is will do
  for (const secret of secrets) text = text.replaceAll(secret, '…')
  return text.slice(0, SHOWN).trim()
}

/** Seconds, or a date. */
function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_WAIT, Math.max(0, ms))
}
