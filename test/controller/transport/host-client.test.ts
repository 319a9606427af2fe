import { mkdtempSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { hostClient } from '../../../controller/transport/host-client.ts'

async function host(t: { teardown(act: () => unknown): void }, listener: RequestListener) {
  const directory = mkdtempSync(join(tmpdir(), 'belay-'))
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(join(directory, 's'), resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
    rmSync(directory, { recursive: true })
  })
  return (timeoutMs: number) => hostClient(join(directory, 's'), timeoutMs)
}

t.test('a problem may be anything, and is an error with a code all the same', async (t) => {
  let problem: unknown = null
  const client = await host(t, (_, response) => response.writeHead(500).end(JSON.stringify(problem)))
  const strange = [null, 7, [], { code: 'toString' }, { code: {}, detail: {}, at: 5 }]
  for (problem of strange) {
    await t.rejects(client(60_000).host(), {
      code: 'internal',
      message: 'the agent answered 500',
      at: undefined
    })
  }
  problem = { code: 'held', detail: 'alice holds it', at: 'x' }
  await t.rejects(client(60_000).host(), { code: 'held', message: 'alice holds it', at: 'x' })
})

t.test('an agent that hangs is said to', async (t) => {
  const client = await host(t, () => {})
  await t.rejects(client(20).host(), {
    code: 'host-unreachable',
    cause: { message: 'no answer within 0.02 s' }
  })
})
