import t from 'tap'
import { sseEvents } from '../../../shared/agent-client/sse.ts'
import { BelayError } from '../../../shared/errors.ts'
import { talkingHost } from './talking-host.ts'

/** A host that sends this, as often as somebody reads it. */
const host = async (t: Parameters<typeof talkingHost>[0], chunk: string, ends: boolean) => ({
  socketPath: await talkingHost(t, () => chunk, { once: ends }),
  path: '/v1/events'
})

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
