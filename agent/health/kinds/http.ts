import type { IncomingMessage, RequestOptions } from 'node:http'
import { Type } from 'typebox'
import type { Finding, Thresholds } from './kind.ts'
import { defineNetworkKind, fail, judge, orNull, path, thresholds } from './kind.ts'
import { networkError } from './reach.ts'

/** So much of a body is read; what follows is not waited for. */
const MAX_BODY = 64 * 1024

/** An HTTP resource that must answer as wanted. */
export const httpKind = defineNetworkKind({
  options: {
    url: Type.String({
      pattern: '^https?://[^\\s/?#]+[^\\s]*$',
      maxLength: 2000,
      description: 'What to ask for'
    }),
    unixSocket: Type.Union([path('Socket'), Type.Null()], {
      description: 'Ask over this Unix socket',
      default: null
    }),
    status: Type.Array(Type.Integer({ minimum: 100, maximum: 599 }), {
      minItems: 1,
      description: 'Status codes that are wanted; a redirection is not followed',
      default: [200]
    }),
    contains: orNull(
      Type.String({ minLength: 1, maxLength: 500, description: 'Text that the body must contain' })
    ),
    verify: Type.Boolean({ description: 'Check the certificate of https', default: true }),
    ...thresholds('Seconds until the answer was there', { warn: null, fail: null })
  },
  gives: { measures: 'duration', unit: 'seconds' },
  problem: ({ url }) => (URL.canParse(url) ? null : 'url: not a URL'),
  // A socket of this host is asked by root, who may open it.
  overNetwork: ({ unixSocket }) => unixSocket === null,
  begin:
    ({ url, unixSocket, status, contains, verify, ...bounds }) =>
    async ({ signal }) => {
      const begun = performance.now()
      const answer = await get(url, {
        socketPath: unixSocket ?? undefined,
        rejectUnauthorized: verify,
        signal
      }).catch((error: unknown) => {
        signal.throwIfAborted()
        return networkError(error)
      })
      const seconds = (performance.now() - begun) / 1000
      return typeof answer === 'string'
        ? fail(answer)
        : judgeAnswer(answer, seconds, { status, contains, ...bounds })
    }
})

/** What came back. */
export interface Answer {
  readonly status: number
  readonly body: string
}

interface Wanted extends Thresholds {
  readonly status: readonly number[]
  readonly contains: string | null
}

/** Status first, then the body, then the time. */
export function judgeAnswer({ status, body }: Answer, seconds: number, wanted: Wanted): Finding {
  if (!wanted.status.includes(status)) return fail(`status ${status}, wanted ${wanted.status.join(' or ')}`)
  if (wanted.contains !== null && !body.includes(wanted.contains))
    return fail('the body has not the wanted text')
  return judge(seconds, wanted, `status ${status} after ${(seconds * 1000).toFixed(0)} ms`)
}

interface Asked {
  readonly socketPath: string | undefined
  readonly rejectUnauthorized: boolean
  readonly signal: AbortSignal
}

async function get(url: string, { socketPath, rejectUnauthorized, signal }: Asked): Promise<Answer> {
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http')
  const options = {
    signal,
    agent: false,
    rejectUnauthorized,
    headers: { 'user-agent': 'belay-agent' },
    ...(socketPath === undefined ? {} : { socketPath })
  }
  return new Promise((resolve, reject) => {
    const sent = request(url, options as RequestOptions, (response) => {
      readBody(response).then((body) => {
        resolve({ status: response.statusCode ?? 0, body })
        sent.destroy()
      }, reject)
    })
    sent.on('error', reject)
    // Without this, who agrees to change the protocol would never be heard of again.
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, body: '' })
    })
    sent.end()
  })
}

async function readBody(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part)
    bytes += part.length
    if (bytes >= MAX_BODY) break
  }
  return Buffer.concat(parts).toString('utf8', 0, MAX_BODY)
}
