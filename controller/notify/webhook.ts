import { createHmac } from 'node:crypto'
import { post } from './http.ts'
import type { Message, Send } from './message.ts'

/** An HTTP endpoint, with its secrets read. */
export interface WebhookTarget {
  readonly url: string
  readonly secret: string | null
  readonly token: string | null
  readonly timeoutMs: number
}

/** Posts messages as JSON, signed as Standard Webhooks say. */
export function webhook({ url, secret, token, timeoutMs }: WebhookTarget): Send {
  return async (message, now, signal) => {
    const timestamp = String(Math.floor(now / 1000))
    const body = bodyOf(message, now)
    const headers = {
      'webhook-id': message.id,
      'webhook-timestamp': timestamp,
      ...(secret === null ? {} : { 'webhook-signature': signature(secret, message.id, timestamp, body) }),
      ...(token === null ? {} : { authorization: `Bearer ${token}` })
    }
    return await post({ url, headers, body, timeoutMs }, now, signal)
  }
}

/** The message as programs get it: body of a webhook, standard input of a command. */
export function bodyOf({ id, title, text, priority, url, tags }: Message, now: number): string {
  return JSON.stringify({
    id,
    time: new Date(now).toISOString(),
    title,
    text,
    priority,
    url: url ?? null,
    tags
  })
}

/** `v1,` and the HMAC-SHA256 of id, time and body. A secret that begins with `whsec_` is base64, any other is itself. */
export function signature(secret: string, id: string, timestamp: string, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}
