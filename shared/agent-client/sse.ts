import { request } from 'node:http'
import { BelayError } from '../errors.ts'

/** Where to read server-sent events from. */
export interface SseSource {
  readonly socketPath: string
  readonly path: string
  readonly signal?: AbortSignal
  /** Only what follows this event. */
  readonly lastEventId?: string
  /** Broken when nothing, not even a heartbeat, arrives for so long. Default 20 s. */
  readonly idleMs?: number
  /** Looks at an event before it is believed, and throws what is wrong with it. */
  readonly check?: (event: unknown) => unknown
}

/** Characters of one event. Whoever sends more without an end would have us keep all of it. */
const LONGEST_EVENT = 1024 * 1024

/** The `data` of each server-sent event, parsed as JSON. Ends on `event: end`; throws when the stream breaks before. */
export async function* sseEvents<T>(source: SseSource): AsyncGenerator<T> {
  const response = await open(source)
  const { check = (event) => event } = source
  let buffer = ''
  try {
    for await (const chunk of response) {
      buffer += chunk
      const blocks = buffer.split('\n\n')
      buffer = blocks.pop() ?? ''
      if (buffer.length > LONGEST_EVENT) throw new Error(`an event of more than ${LONGEST_EVENT} characters`)
      for (const block of blocks) {
        const lines = block.split('\n')
        if (lines.includes('event: end')) return
        const data = lines
          .filter((l) => l.startsWith('data: '))
          .map((l) => l.slice(6))
          .join('\n')
        if (data !== '') yield check(JSON.parse(data)) as T
      }
    }
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof BelayError) throw cause
    throw new BelayError('host-unreachable', 'the event stream broke off', { cause, at: source.path })
  } finally {
    response.destroy()
  }
  throw new BelayError('host-unreachable', 'the event stream broke off', { at: source.path })
}

function open(source: SseSource): Promise<import('node:http').IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(
        new BelayError('host-unreachable', `no event stream from ${source.socketPath}`, {
          cause,
          at: source.path
        })
      )
    const options = {
      socketPath: source.socketPath,
      path: source.path,
      agent: false,
      headers: source.lastEventId === undefined ? {} : { 'last-event-id': source.lastEventId },
      ...(source.signal ? { signal: source.signal } : {})
    }
    const req = request(options, (res) => {
      if (res.statusCode !== 200) return fail(new Error(`status ${res.statusCode}`))
      res.setEncoding('utf8')
      res.socket.setTimeout(source.idleMs ?? 20_000, () => res.destroy(new Error('silent for too long')))
      resolve(res)
    })
    req.on('error', fail)
    req.end()
  })
}
