import type { ServerResponse } from 'node:http'

const HEARTBEAT_MS = 5000

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

/** Turns a response into a stream of events, with a heartbeat so that a dead line is noticed at both ends. */
export function openEvents(response: ServerResponse): EventSink {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('retry: 1000\n\n')
  const gone = new AbortController()
  const heartbeat = setInterval(() => response.write(': \n\n'), HEARTBEAT_MS)
  response.on('error', () => gone.abort())
  response.on('close', () => {
    clearInterval(heartbeat)
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
