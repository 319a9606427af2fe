import { post } from './http.ts'
import type { Priority, Send } from './message.ts'
import { shortened } from './message.ts'

/** Bytes of text that ntfy shows as a message; it makes a file of what is longer. */
const MAX_TEXT = 4000
const MAX_TITLE = 250

/** ntfy counts from 1 to 5. */
const level: Record<Priority, number> = { low: 2, normal: 3, high: 4, urgent: 5 }

/** A topic of an ntfy server, with its token read. */
export interface NtfyTarget {
  readonly url: string
  readonly topic: string
  readonly token: string | null
  readonly timeoutMs: number
}

/** Publishes messages to a topic. */
export function ntfy({ url, topic, token, timeoutMs }: NtfyTarget): Send {
  return async (message, now, signal) => {
    const body = JSON.stringify({
      topic,
      title: shortened(message.title, MAX_TITLE),
      message: shortened(message.text, MAX_TEXT),
      markdown: true,
      priority: level[message.priority],
      tags: message.tags,
      ...(message.url === undefined ? {} : { click: message.url })
    })
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
    return await post({ url, headers, body, timeoutMs }, now, signal)
  }
}
