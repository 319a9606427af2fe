import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { sseEvents } from '../../../shared/agent-client/sse.ts'
import { BelayError } from '../../../shared/errors.ts'

/** A host that sends this, as often as somebody reads it. */
async function host(
  t: { testdir(): string; teardown(act: () => unknown): void },
  chunk: string,
  ends: boolean
) {
  const directory = mkdtempSync(join(tmpdir(), 'belay-'))
  const socketPath = join(directory, 's')
  const server = createServer((_, response) => {
    response.on('error', () => {})
    const more = () => {
      while (!response.destroyed && response.write(chunk)) if (ends) return response.end()
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
    rmSync(directory, { recursive: true })
  })
  return { socketPath, path: '/v1/events' }
}

const all = async (source: Parameters<typeof sseEvents>[0]) => await Array.fromAsync(sseEvents(source))

t.test('events up to the end', async (t) => {
  const text = ': beat\n\ndata: {"a":1}\n\nid: 1\ndata: {"a":\ndata: 2}\n\nevent: end\ndata: {}\n\n'
  t.same(await all(await host(t, text, true)), [{ a: 1 }, { a: 2 }])
})

t.test('a stream that breaks off says so', async (t) => {
  await t.rejects(all(await host(t, 'data: {"a":1}\n\n', true)), { code: 'host-unreachable' })
})

t.test('an event without an end is not kept', async (t) => {
  const source = await host(t, `data: ${'x'.repeat(65_536)}`, false)
  await t.rejects(all(source), { code: 'host-unreachable', cause: { message: /an event of more than/ } })
})

t.test('what is wrong with an event is said as it is', async (t) => {
  const check = () => {
    throw new BelayError('invalid-answer', 'no')
  }
  const source = await host(t, 'data: {"a":1}\n\n', true)
  await t.rejects(all({ ...source, check }), { code: 'invalid-answer' })
})
