import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { parsePosition, streamLog } from '../../../agent/api/operation-log.ts'
import { operationDirectory } from '../../../agent/operation/store.ts'
import { sseEvents } from '../../../shared/agent-client/sse.ts'
import type { OperationEvent } from '../../../shared/api/schemas.ts'
import { call, candidate, startDaemon } from '../fakes/daemon.ts'

t.test('a position is the id of an event', async (t) => {
  t.equal(parsePosition(undefined), null)
  t.same(parsePosition('20260102T030405678Z-0a1b2c3d:4'), {
    operation: '20260102T030405678Z-0a1b2c3d',
    seq: 4
  })
  for (const text of ['', 'x', '20260102T030405678Z-0a1b2c3d', '20260102T030405678Z-0a1b2c3d:', '../x:1']) {
    t.throws(() => parsePosition(text), { code: 'invalid-request' }, text)
  }
})

/** Reads events until there are so many, then goes. */
function read(socketPath: string, count: number, lastEventId?: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const req = request({ socketPath, path: '/v1/events', headers, agent: false }, (res) => {
      let text = ''
      res.on('data', (chunk) => {
        text += chunk
        const ids = [...text.matchAll(/^id: (.*)$/gm)].map((match) => match[1] ?? '')
        if (ids.length < count) return
        res.destroy()
        resolve(ids)
      })
    })
    req.on('error', reject)
    req.end()
  })
}

t.test('events of all operations come in order, live, and go on behind the last one seen', async (t) => {
  const d = await startDaemon(t)
  const begin = async () => {
    const { body } = await call(
      d.socket('operate'),
      'POST',
      '/v1/operations',
      JSON.stringify({ storePath: candidate })
    )
    return (JSON.parse(body) as { id: string }).id
  }
  const first = await begin()
  const live = read(d.socket('observe'), 4)
  await d.append(first, { type: 'moved', to: 'cancelled', reason: 'test' })
  const second = await begin()
  await d.append(second, { type: 'moved', to: 'cancelled', reason: 'test' })
  const wanted = [`${first}:0`, `${first}:1`, `${second}:0`, `${second}:1`]
  t.same((await live).sort(), wanted.sort())
  t.same(await read(d.socket('observe'), 1, `${second}:0`), [`${second}:1`])
})

t.test('a stream that breaks before its end is an error, not an end', async (t) => {
  const d = await startDaemon(t)
  const { body } = await call(
    d.socket('operate'),
    'POST',
    '/v1/operations',
    JSON.stringify({ storePath: candidate })
  )
  const { id } = JSON.parse(body) as { id: string }
  const gone = new AbortController()
  const events = sseEvents<OperationEvent>({
    socketPath: d.socket('observe'),
    path: `/v1/operations/${id}/log`,
    signal: gone.signal
  })
  t.match((await events.next()).value, { type: 'operation', seq: 0 })
  gone.abort()
  await t.rejects(events.next())
})

t.test(
  'a reader who does not read costs no more than a bounded amount, and misses nothing in the end',
  async (t) => {
    const sent: unknown[] = []
    let waiting = 0
    const sink = {
      signal: new AbortController().signal,
      send: (data: unknown) => {
        sent.push(data)
        waiting += JSON.stringify(data).length
      },
      full: () => waiting > 10_000,
      drained: async () => {
        waiting = 0
      },
      end: () => {}
    }
    const d = await startDaemon(t)
    const all = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(5000)}`)
    let most = 0
    const host = {
      ...d.host,
      follow: async (_: string, line: (text: string) => void) => {
        for (const text of all) line(text)
        most = waiting
      },
      output: async () => all
    }
    const { body } = await call(
      d.socket('operate'),
      'POST',
      '/v1/operations',
      JSON.stringify({ storePath: candidate })
    )
    const { id } = JSON.parse(body) as { id: string }
    const phases = ['fetching', 'checking', 'arming', 'activating', 'rolling-back', 'rolled-back'] as const
    await d.append(id, ...phases.map((to) => ({ type: 'moved', to, reason: 'x' }) as const))
    await streamLog(id, d.operations, host, sink)
    t.ok(most > 0 && most < 20_000, `${most} bytes waited`)
    const lines = sent.flatMap((event) =>
      (event as OperationEvent).type === 'output' ? [event as { line: string }] : []
    )
    t.same(
      lines.map(({ line }) => Number(line.split(' ')[0])),
      all.map((_, i) => i)
    )
    t.ok(
      lines.every(({ line }) => line.length <= 2000),
      'long lines are cut'
    )
  }
)

t.test('those who may only look leave room for operators', async (t) => {
  const d = await startDaemon(t)
  const open: ReturnType<typeof request>[] = []
  t.teardown(() => {
    for (const each of open) each.destroy()
  })
  const events = (role: string) =>
    new Promise<number>((resolve) => {
      const req = request({ socketPath: d.socket(role), path: '/v1/events', agent: false }, (res) =>
        resolve(res.statusCode ?? 0)
      )
      req.on('error', () => {})
      req.end()
      open.push(req)
    })
  for (let i = 0; i < 24; i++) t.equal(await events('observe'), 200)
  t.equal(await events('observe'), 429)
  t.equal(await events('operate'), 200)
})

t.test(
  'an operation that cannot be read keeps nobody from those behind it',
  { timeout: 20_000 },
  async (t) => {
    const d = await startDaemon(t)
    const begin = async () =>
      (
        await d.operations.start(
          { storePath: candidate },
          { principal: 'operate', connectedMonotonicMs: 0 },
          null
        )
      ).accepted.id
    const first = await begin()
    await d.append(first, { type: 'moved', to: 'cancelled', reason: 'test' })
    const second = await begin()
    await writeFile(join(operationDirectory(d.operations.root, first), 'journal.jsonl'), 'torn\n')
    t.same(await read(d.socket('observe'), 1), [`${second}:0`])
  }
)
