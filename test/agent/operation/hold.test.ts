import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hostClock } from '../../../agent/clock.ts'
import { Holds, parseHold, readHold } from '../../../agent/operation/hold.ts'
import { call, candidate, startDaemon } from '../fakes/daemon.ts'

t.test('a hold stays until the release, and one that cannot be read holds as well', async (t) => {
  const directory = t.testdir()
  const holds = new Holds(directory, hostClock('boot'))
  t.equal(await holds.read(), null)
  const hold = await holds.put('travel', 'operate socket')
  t.same(await readHold(directory), hold)
  await holds.afterRollback({ id: 'op', principal: 'operate socket', reason: null })
  t.same(await holds.release(), hold, 'the reason that stands stays')
  t.equal(await holds.release(), null)
  await holds.afterRollback({ id: 'op', principal: 'operate socket', reason: 'smoke' })
  t.match(await holds.read(), { reason: 'emergency rollback: smoke', operation: 'op' })
  for (const bad of ['', '{', 'null', '[]', '{"reason":1}']) {
    t.equal(parseHold(bad), null, bad)
    writeFileSync(join(directory, 'hold.json'), bad)
    t.match(await holds.read(), { reason: /cannot be read/ }, bad)
  }
  const gone = new Holds(join(directory, 'nowhere'), hostClock('boot'))
  await gone.afterRollback({ id: 'op', principal: 'operate socket', reason: null })
})

t.test('over the API: roles, refusal at admission, a rollback all the same', async (t) => {
  const { socket } = await startDaemon(t)
  const put = (role: string, body: string) => call(socket(role), 'PUT', '/v1/hold', body)
  t.match(await put('observe', '{"reason":"x"}'), { status: 403 })
  t.match(await put('operate', '{"reason":""}'), { status: 400 })
  t.match(await put('operate', '{"reason":"x","more":1}'), { status: 400 })
  t.match(await put('operate', '{"reason":"travel"}'), { status: 200, body: /"principal":"operate socket"/ })
  t.match(await call(socket('observe'), 'GET', '/v1/host'), { body: /"hold":\{"reason":"travel"/ })
  t.match(await call(socket('observe'), 'GET', '/metrics'), { body: /^belay_agent_held 1$/m })
  const activate = () =>
    call(socket('operate'), 'POST', '/v1/operations', JSON.stringify({ storePath: candidate }))
  t.match(await activate(), { status: 409, body: /"code":"held"/ })
  t.match(await call(socket('observe'), 'DELETE', '/v1/hold'), { status: 403 })
  t.match(await call(socket('operate'), 'DELETE', '/v1/hold'), { status: 200, body: '{"hold":null}' })
  const accepted = await activate()
  t.equal(accepted.status, 202)
  // Turned round by a person: nobody pushes over that.
  t.equal((await call(socket('operate'), 'POST', '/v1/rollback', '{"reason":"no"}')).status, 202)
  const { id } = JSON.parse(accepted.body) as { id: string }
  const after = JSON.parse((await call(socket('observe'), 'GET', '/v1/hold')).body)
  t.match(after, { hold: { reason: 'emergency rollback: no', operation: id } })
})

t.test('preflight over the API takes a store path and nothing else', async (t) => {
  const { socket } = await startDaemon(t)
  const look = (query: string) => call(socket('observe'), 'GET', `/v1/profiles/system/preflight${query}`)
  t.match(await look(`?storePath=${candidate}`), { status: 200, body: /"ok":true/ })
  for (const bad of ['', '?storePath=/etc', '?storePath=--option', `?storePath=${candidate}&x=1`])
    t.match(await look(bad), { status: 400 }, bad)
})
