import { chmodSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'

/** What a receiver got. */
export interface Received {
  readonly path: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** How it answers; `hang` never does. */
export type Answer =
  | 'hang'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

/** A directory with files that nobody else may read. */
export function privateDirectory(t: Test, files: Readonly<Record<string, string>>): string {
  const directory = t.testdir({ ...files })
  for (const name of Object.keys(files)) chmodSync(join(directory, name), 0o600)
  return directory
}

/** A URL at which nobody listens. */
export async function closedPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return `http://127.0.0.1:${port}`
}

/** A real HTTP server that answers in turn; the last answer stays. */
export async function receiver(t: Test, ...answers: Answer[]) {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ path: request.url, headers: request.headers, body })
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 200 }
    if (answer === 'hang') return
    response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
