import t from 'tap'
import { call, candidate, startDaemon } from '../fakes/daemon.ts'

const PATH = '/v1/profiles/system/preview'
const code = (answer: { body: string }) => (JSON.parse(answer.body) as { code: string }).code

t.test('an observer may look, and only an operator may have code of the candidate run', async (t) => {
  const d = await startDaemon(t)
  const ask = (role: 'observe' | 'operate', body: unknown) =>
    call(d.socket(role), 'POST', PATH, JSON.stringify(body))
  const answer = await ask('observe', { storePath: candidate, files: true })
  t.equal(answer.status, 200)
  t.match(JSON.parse(answer.body), { host: 'cinnabar', to: candidate, hash: /^[0-9a-f]{64}$/ })
  const refused = await ask('observe', { storePath: candidate, dryActivate: true })
  t.equal(refused.status, 403)
  t.equal(code(refused), 'role-too-low')
  t.equal((await ask('operate', { storePath: candidate, dryActivate: true })).status, 200)
  t.equal((await ask('observe', { storePath: candidate, dryActivate: false })).status, 200)
  t.same(d.started, [], 'nothing is started')
})

t.test('what is wrong is refused', async (t) => {
  const d = await startDaemon(t)
  const ask = (body: unknown, path = PATH) => call(d.socket('observe'), 'POST', path, JSON.stringify(body))
  t.equal(code(await ask({})), 'invalid-request')
  t.equal(code(await ask({ storePath: candidate, activate: true })), 'invalid-request')
  t.equal(code(await ask({ storePath: candidate, files: 'yes' })), 'invalid-request')
  t.equal(code(await ask({ storePath: '--option' })), 'path-not-valid')
  t.equal((await ask({ storePath: candidate }, '/v1/profiles/other/preview')).status, 400)
})
