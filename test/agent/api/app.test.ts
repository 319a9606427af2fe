import fc from 'fast-check'
import t from 'tap'
import { call, candidate, startDaemon } from '../fakes/daemon.ts'

const code = (answer: { body: string }) => (JSON.parse(answer.body) as { code: string }).code

t.test('bad input has its own code, in problem details, and starts nothing', async (t) => {
  const d = await startDaemon(t)
  const post = (body: string, headers = {}) =>
    call(d.socket('operate'), 'POST', '/v1/operations', body, headers)
  const cases: [string, number, string][] = [
    ['{"storePath": 1}', 400, 'invalid-request'],
    ['{"storePath": null}', 400, 'invalid-request'],
    ['{}', 400, 'invalid-request'],
    ['[]', 400, 'invalid-request'],
    ['{', 400, 'invalid-json'],
    ['{"__proto__": {"a": 1}, "storePath": "x"}', 400, 'invalid-json'],
    [`{"storePath": "${candidate}", "dryRun": true}`, 400, 'invalid-request'],
    [
      `{"storePath": "${candidate}", "confirm": {"by": "connection", "windowSeconds": "30"}}`,
      400,
      'invalid-request'
    ],
    [
      `{"storePath": "${candidate}", "confirm": {"by": "nobody", "windowSeconds": 30}}`,
      400,
      'invalid-request'
    ],
    [
      `{"storePath": "${candidate}", "confirm": {"by": "health", "windowSeconds": 1}}`,
      400,
      'invalid-request'
    ],
    ['{"storePath": "/nix/store/nothing"}', 422, 'path-not-valid'],
    [JSON.stringify({ storePath: 'x'.repeat(70_000) }), 413, 'body-too-large'],
    [`${'['.repeat(30_000)}${']'.repeat(30_000)}`, 400, 'invalid-request']
  ]
  for (const [body, status, wanted] of cases) {
    const answer = await post(body)
    t.equal(answer.status, status, body.slice(0, 80))
    t.equal(code(answer), wanted, body.slice(0, 80))
    t.match(answer.type, 'application/problem+json')
  }
  t.equal(code(await post('storePath=x', { 'content-type': 'text/plain' })), 'unsupported-media-type')
  t.equal(code(await post('', {})), 'invalid-json')
  t.same(d.started, [])
  const unknown = await post('{"storePath": "x", "dryRun": true}')
  t.match(JSON.parse(unknown.body), { at: 'body/dryRun', wanted: 'no such field' })
})

t.test('a role may do what its socket is for, and a route without a role is for admin', async (t) => {
  const d = await startDaemon(t)
  for (const path of [
    '/livez',
    '/readyz',
    '/metrics',
    '/v1/host',
    '/v1/profiles',
    '/v1/profiles/system/generations',
    '/v1/operations'
  ]) {
    for (const role of ['observe', 'operate', 'admin'])
      t.equal((await call(d.socket(role), 'GET', path)).status, 200, `${role} ${path}`)
  }
  for (const path of [
    '/v1/operations',
    '/v1/rollback',
    '/v1/operations/x/confirm',
    '/v1/operations/x/cancel'
  ]) {
    const answer = await call(d.socket('observe'), 'POST', path, '{}')
    t.equal(answer.status, 403, path)
    t.equal(code(answer), 'role-too-low', path)
  }
  t.equal((await call(d.socket('observe'), 'GET', '/nothing')).status, 404)
})

t.test('no input makes an internal error', async (t) => {
  const d = await startDaemon(t)
  const paths = [
    '/v1/operations',
    '/v1/rollback',
    '/v1/operations/x/confirm',
    '/v1/operations/%2e%2e/cancel',
    '/v1/approvals',
    '/v1/%00'
  ]
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.oneof(fc.json(), fc.string()), async (path, body) => {
      const { status } = await call(d.socket('operate'), 'POST', path, body)
      return status >= 400 && status < 500
    }),
    { numRuns: 300 }
  )
})

t.test('the same key is the same operation, another one is refused while it runs', async (t) => {
  const d = await startDaemon(t)
  const body = JSON.stringify({ storePath: candidate })
  const post = (key: string, text = body) =>
    call(d.socket('operate'), 'POST', '/v1/operations', text, { 'idempotency-key': key })
  const answers = await Promise.all(Array.from({ length: 20 }, () => post('k')))
  t.same(new Set(answers.map(({ status }) => status)), new Set([202]))
  const ids = new Set(answers.map((answer) => (JSON.parse(answer.body) as { id: string }).id))
  t.equal(ids.size, 1, 'twenty at once are one operation')
  t.equal(code(await post('other')), 'operation-running')
  t.equal(
    code(await post('k', JSON.stringify({ storePath: candidate, reason: 'x' }))),
    'idempotency-conflict'
  )
})
