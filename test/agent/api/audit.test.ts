import { pino } from 'pino'
import t from 'tap'
import { requestId } from '../../../shared/server/request-id.ts'
import type { Scope } from '../fakes/daemon.ts'
import { call, candidate, shortDirectory, startDaemon } from '../fakes/daemon.ts'

/** A daemon, and the lines of its log. */
async function logged(t: Scope) {
  const lines: Record<string, unknown>[] = []
  const text: string[] = []
  const write = (line: string) => {
    text.push(line)
    lines.push(JSON.parse(line))
  }
  const logger = pino({ level: 'info', base: null }, { write })
  const d = await startDaemon(t, shortDirectory(t), { logger })
  const asked = () => lines.filter(({ msg }) => msg === 'asked')
  const post = (role: string, path: string, body: object, headers = {}) =>
    call(d.socket(role), 'POST', path, JSON.stringify(body), headers)
  return { d, asked, text, post }
}

t.test('a change is under one identity in the answer, the log and the journal', async (t) => {
  const { d, asked, post } = await logged(t)
  const given = { 'request-id': 'pipeline-4711' }
  const activation = { storePath: candidate, revision: 3, reason: 'flake update' }
  const answer = await post('operate', '/v1/operations', activation, given)
  t.match(answer, { status: 202, request: 'pipeline-4711' })
  const who = { principal: 'operate socket', role: 'operate', transport: 'unix', request: 'pipeline-4711' }
  t.match(asked(), [{ ...who, ...activation, method: 'POST', url: '/v1/operations', status: 202 }])
  const { role, transport, request } = who
  const [state] = await d.operations.all()
  t.match(state?.accepted, { principal: 'operate socket', origin: { role, transport, request } })
})

t.test(
  'what is refused is logged as well, and the problem has the identity; reading leaves no line',
  async (t) => {
    const { d, asked, post } = await logged(t)
    t.equal((await call(d.socket('observe'), 'GET', '/v1/host')).status, 200)
    const refused = await post('observe', '/v1/rollback', { reason: 'no' })
    t.equal(refused.status, 403)
    t.match(JSON.parse(refused.body), { code: 'role-too-low', request: refused.request })
    t.match(asked(), [{ role: 'observe', request: refused.request, url: '/v1/rollback', status: 403 }])
    t.equal(asked().length, 1)
  }
)

t.test(
  'log injection: whatever is said stays in its line, and no identity is taken that is not sane',
  async (t) => {
    const { asked, text, post } = await logged(t)
    const reason = 'fine\n{"level":30,"msg":"asked","principal":"admin socket"}\r\u001b[2J'
    await post('operate', '/v1/operations', { storePath: candidate, reason })
    t.equal(asked().length, 1)
    for (const line of text) t.notOk(/\p{Cc}/u.test(line.trimEnd()), line.slice(0, 80))
    for (const given of [
      'short',
      'a'.repeat(65),
      'with space',
      'a"b,c=d{e}f',
      '../../etc/passwd',
      '-option-like'
    ])
      t.match(requestId({ headers: { 'request-id': given } }), /^[0-9a-f]{8}-[0-9a-f-]{27}$/, given)
    t.equal(requestId({ headers: { 'request-id': 'a.b-c_d1' } }), 'a.b-c_d1')
    t.not(requestId({ headers: {} }), requestId({ headers: {} }))
  }
)
