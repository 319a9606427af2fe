import type { ServerResponse } from 'node:http'
import { BelayError } from '../errors.ts'
import type { ApiRole } from './role.ts'

const HEARTBEAT_MS = 5000
/** Streams at once, over all sockets: each holds a watch, and a log of an activation a journalctl besides. */
const MAX_STREAMS = 32
/** Of these so many for those who may change nothing: they must not keep an operator from seeing. */
const MAX_OBSERVERS = 24
/** Bytes that wait for one slow reader. */
const MAX_WAITING = 256 * 1024
let open = 0

/** The sending end of a stream of server-sent events. */
export interface EventSink {
  send(data: unknown, id?: string): void
  /** True when so much waits for the reader that nothing but what matters should be added. */
  full(): boolean
  drained(): Promise<void>
  /** Tells the reader that nothing follows. */
  end(): void
  /** Aborts when the reader goes. */
  readonly signal: AbortSignal
}

/** Throws `too-many-streams` when there is no room for another. */
export function assertRoom(role: ApiRole): void {
  const limit = role === 'observe' || role === 'propose' ? MAX_OBSERVERS : MAX_STREAMS
  if (open < limit) return
  const wanted = `fewer than ${limit}`
  throw new BelayError('too-many-streams', `${open} event streams are open`, { found: open, wanted })
}

/** Turns a response into a stream of events, with a heartbeat so that a dead line is noticed at both ends. */
export function openEvents(response: ServerResponse): EventSink {
  open += 1
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('retry: 1000\n\n')
  const gone = new AbortController()
  const heartbeat = setInterval(() => response.write(': \n\n'), HEARTBEAT_MS)
  response.on('error', () => gone.abort())
  response.on('close', () => {
    clearInterval(heartbeat)
    open -= 1
    gone.abort()
  })
  return {
    signal: gone.signal,
    send: (data, id) => {
      response.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)
    },
    full: () => response.writableLength > MAX_WAITING,
    drained: () =>
      new Promise((resolve) => {
        if (!response.writableNeedDrain || gone.signal.aborted) return resolve()
        response.once('drain', resolve)
        gone.signal.addEventListener('abort', () => resolve(), { once: true })
      }),
    end: () => {
      response.end('event: end\ndata: {}\n\n')
    }
  }
}
