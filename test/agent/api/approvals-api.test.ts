import t from 'tap'
import { call, startDaemon } from '../fakes/daemon.ts'

const code = (answer: { body: string }) => (JSON.parse(answer.body) as { code: string }).code
const id = '0'.repeat(32)

t.test('who may read lists, who may operate hands in and takes back', async (t) => {
  const d = await startDaemon(t)
  for (const role of ['observe', 'operate', 'admin']) {
    const list = await call(d.socket(role), 'GET', '/v1/approvals')
    t.match(list, { status: 200, body: '{"approvals":[]}' }, role)
  }
  const body = '{"approval":"yes"}'
  t.equal(code(await call(d.socket('observe'), 'POST', '/v1/approvals', body)), 'role-too-low')
  t.equal(code(await call(d.socket('operate'), 'POST', '/v1/approvals', body)), 'approval-malformed')
  const revoke = (role: string, text: string) => call(d.socket(role), 'DELETE', `/v1/approvals/${id}`, text)
  t.equal(code(await revoke('observe', '{"reason":"x"}')), 'role-too-low')
  t.equal(code(await revoke('operate', '{"reason":"x"}')), 'approval-unknown')
  t.equal(code(await revoke('operate', '{}')), 'invalid-request')
})

t.test('what is no request is refused before anything is read', async (t) => {
  const d = await startDaemon(t)
  const post = (body: object) => call(d.socket('operate'), 'POST', '/v1/approvals', JSON.stringify(body))
  for (const body of [
    {},
    { approval: 1 },
    { approval: 'x', principal: 'alice' },
    { approval: 'x'.repeat(20_000) }
  ])
    t.equal(code(await post(body)), 'invalid-request')
  for (const name of ['..', '%2e%2e%2fknown-good', 'A'.repeat(32), `${id}.spent`]) {
    const answer = await call(d.socket('operate'), 'DELETE', `/v1/approvals/${name}`, '{"reason":"x"}')
    t.match(code(answer), /^(invalid-request|not-found)$/, name)
  }
})
