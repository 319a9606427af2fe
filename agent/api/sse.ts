import type { ServerResponse } from 'node:http'
import { BelayError } from '../../shared/errors.ts'

const HEARTBEAT_MS = 5000
/** Streams at once, over all sockets: each holds a watch, and a log of an activation a journalctl besides. */
const MAX_STREAMS = 32
let open = 0

/** The sending end of a stream of server-sent events. */
export interface EventSink {
  /** Sends one event. False when the reader is slow: wait for `drained`. */
  send(data: unknown, id?: string): boolean
  drained(): Promise<void>
  /** Tells the reader that nothing follows. */
  end(): void
  /** Aborts when the reader goes. */
  readonly signal: AbortSignal
}

/** Throws `too-many-streams` when there is no room for another. */
export function assertRoom(): void {
  if (open < MAX_STREAMS) return
  throw new BelayError('too-many-streams', `${open} event streams are open`, {
    found: open,
    wanted: `fewer than ${MAX_STREAMS}`
  })
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
    send: (data, id) =>
      response.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
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
