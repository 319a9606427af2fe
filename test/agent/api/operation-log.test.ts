import { request } from 'node:http'
import t from 'tap'
import { parsePosition } from '../../../agent/api/operation-log.ts'
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
