import t from 'tap'
import { call, candidate, startDaemon } from '../fakes/daemon.ts'

const body = (revision: number, more: object = {}) =>
  JSON.stringify({
    profile: 'system',
    storePath: candidate,
    revision,
    confirm: { by: 'health', windowSeconds: 60 },
    ...more
  })
const parsed = (answer: { body: string }) => JSON.parse(answer.body)

t.test('who may read looks, who may activate says', async (t) => {
  const d = await startDaemon(t)
  const put = (role: string, text: string) => call(d.socket(role), 'PUT', '/v1/desired', text)
  t.match(parsed(await call(d.socket('observe'), 'GET', '/v1/desired')), { desired: null, is: 'none' })
  t.match(parsed(await put('observe', body(1))), { code: 'role-too-low' })
  t.match(await put('operate', body(1)), { status: 200 })
  t.equal(d.started.length, 1, 'it goes there through an operation')
  t.match(parsed(await put('operate', body(1, { mode: 'boot' }))), { code: 'desired-conflict', status: 409 })
  t.match(await put('operate', body(2)), { status: 200 })
  t.match(parsed(await put('operate', body(1))), { code: 'desired-older', status: 409, found: 1 })
  for (const wrong of [
    '{}',
    body(0),
    body(1.5),
    body(3, { profile: 'user' }),
    body(3, { storePath: '/tmp/x' }),
    body(3, { planHash: 'x' }),
    body(3, { dryRun: true }),
    body(3, { confirm: { by: 'nobody', windowSeconds: 60 } })
  ])
    t.match(parsed(await put('operate', wrong)), { code: 'invalid-request' }, wrong)
  const withdraw = (role: string, text: string) => call(d.socket(role), 'DELETE', '/v1/desired', text)
  t.match(parsed(await withdraw('observe', '{"revision":2,"reason":"x"}')), { code: 'role-too-low' })
  t.match(parsed(await withdraw('operate', '{"revision":2,"reason":"x"}')), { is: 'withdrawn' })
})

t.test('nobody takes the key under which it will begin', async (t) => {
  const d = await startDaemon(t)
  const begin = (key: string) =>
    call(d.socket('admin'), 'POST', '/v1/operations', JSON.stringify({ storePath: candidate }), {
      'idempotency-key': key
    })
  for (const key of ['desired/1/1', 'desired/'])
    t.match(parsed(await begin(key)), { code: 'idempotency-reserved', status: 400, found: key })
  t.equal(d.started.length, 0)
  t.match(await call(d.socket('operate'), 'PUT', '/v1/desired', body(1)), { status: 200 })
  t.equal(d.started.length, 1, 'it begins')
})

t.test('metrics say what is wanted and why it is not there', async (t) => {
  const d = await startDaemon(t)
  const metrics = async () => (await call(d.socket('observe'), 'GET', '/metrics')).body
  t.match(await metrics(), /belay_agent_desired_revision 0\n/)
  await d.operations.holds.put('wait', 'x')
  await call(d.socket('operate'), 'PUT', '/v1/desired', body(12))
  const text = await metrics()
  t.match(text, /belay_agent_desired_revision 12\n/)
  t.match(text, /belay_agent_desired_pending\{reason="held"\} 1\n/)
  t.equal(text.split('belay_agent_desired_pending{').length, 2, 'and no other')
  t.match(text, /belay_agent_desired_pending_since_timestamp_seconds 1\d{9}/)
})

t.test('the release of a hold and an approval wake it', async (t) => {
  const d = await startDaemon(t)
  await d.operations.holds.put('wait', 'x')
  await call(d.socket('operate'), 'PUT', '/v1/desired', body(1))
  t.equal(d.started.length, 0)
  await call(d.socket('operate'), 'DELETE', '/v1/hold')
  await d.desired.tick()
  t.equal(d.started.length, 1)
})
