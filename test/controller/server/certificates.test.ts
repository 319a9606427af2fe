import { request } from 'node:https'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { openControllerStore } from '../../../controller/store/controller-store.ts'
import { testAuthority } from '../../shared/server/authority.ts'
import { eventually } from './daemon.ts'
import { withCertificates } from './with-certificates.ts'

const roles = ['observe', 'propose', 'approve', 'operate', 'admin'] as const

const lock = (id: string) => ({ client_params: { id, group: 'default' } })
const protocol = { 'fleet-lock-protocol': 'true' }

t.test('the role stands in the certificate, and each does what its socket does', async (t) => {
  const { authority, ask } = await withCertificates(t)
  const routes = [
    ['observe', 'GET', '/v1/hosts', 200],
    ['propose', 'POST', '/v1/proposals', 400],
    ['approve', 'POST', '/v1/rollouts', 400],
    ['operate', 'GET', '/v1/audit', 200]
  ] as const
  for (const role of roles)
    for (const [needed, method, path, status] of routes) {
      const may = roles.indexOf(role) >= roles.indexOf(needed)
      const body = method === 'POST' ? {} : undefined
      const answer = await ask(authority.role(role), method, path, {}, body)
      t.equal(answer.status, may ? status : 403, `${role}: ${method} ${path}`)
      if (!may) t.match(answer.body, { code: 'role-too-low', found: role, wanted: needed })
    }
})

t.test('a certificate without one role of ours may do nothing', async (t) => {
  const { authority, ask } = await withCertificates(t)
  const two = authority.role('operate', 'anna', { dns: ['a, URI:belay://role/admin/anna, b'] })
  const bad = [
    authority.leaf({ name: 'belay://role/admin/anna' }),
    authority.role('root'),
    authority.role('admin', 'a/b'),
    authority.leaf({ uri: 'https://belay.example/role/admin/anna' }),
    two
  ]
  for (const pair of bad)
    t.match(await ask(pair, 'GET', '/livez'), { status: 403, body: { code: 'certificate-without-role' } })
})

t.test('a token still lets in; who shows a certificate is judged by that alone', async (t) => {
  const { d, authority, ask } = await withCertificates(t)
  using store = await openControllerStore(d.state)
  const by = { name: 'anna', role: 'admin', transport: 'test', request: null }
  const token = store.tokens.add(
    { name: 'ci', role: 'admin', expiresAt: null },
    '2026-03-02T09:00:00.000Z',
    by
  )
  const bearer = { authorization: `Bearer ${token}` }
  t.match(await ask(null, 'GET', '/v1/hosts'), { status: 401, body: { code: 'token-invalid' } })
  t.match(await ask(null, 'GET', '/v1/audit', bearer), { status: 200 })
  const weak = authority.role('observe', 'otto')
  t.match(await ask(weak, 'GET', '/v1/audit', bearer), { status: 403, body: { code: 'role-too-low' } })
  const other = testAuthority().role('admin')
  t.match(await ask(other, 'GET', '/v1/hosts', bearer), {
    status: 401,
    body: { code: 'certificate-untrusted' }
  })
})

t.test("a host's certificate asks for the reboot of that host, and for nothing else", async (t) => {
  const { d, authority, ask } = await withCertificates(t)
  const cinnabar = authority.host('cinnabar')
  const reboot = (pair: typeof cinnabar, id: string) =>
    ask(pair, 'POST', '/v1/pre-reboot', protocol, lock(id))
  t.match(await reboot(cinnabar, 'galena'), { status: 403, body: { kind: 'role-too-low' } })
  for (const [method, path] of [
    ['GET', '/v1/hosts'],
    ['GET', '/metrics'],
    ['POST', '/v1/proposals'],
    ['POST', '/v1/rollouts/current/pause']
  ] as const)
    t.match(await ask(cinnabar, method, path), { status: 403, body: { code: 'role-too-low' } }, path)
  t.match(await reboot(cinnabar, 'cinnabar'), { status: 200, body: { kind: 'granted' } })
  t.match(await ask(cinnabar, 'POST', '/v1/steady-state', protocol, lock('galena')), { status: 403 })
  t.match(await reboot(authority.role('propose', 'galena'), 'cinnabar'), { status: 403 })
  t.match(await d.call('operate', 'GET', '/v1/audit'), {
    entries: [{ action: 'reboot lock', principal: 'host certificate cinnabar', transport: 'tls' }]
  })
})

t.test('the running daemon hears of a revocation, and tells when its certificates expire', async (t) => {
  const { authority, client, revoke, ask } = await withCertificates(t)
  const anna = authority.role('operate')
  const asAnna = client(anna)
  t.match(await asAnna({}, '/v1/hosts'), { status: 200 })
  revoke(anna.serial)
  await eventually(
    async () => (await asAnna({}, '/v1/hosts')).text.includes('certificate-revoked'),
    'it is refused'
  )
  const { text } = await ask(authority.role('observe'), 'GET', '/metrics')
  for (const what of ['server', 'client-authority', 'revocation-list'])
    t.match(
      text,
      new RegExp(
        `^belay_controller_certificate_expiry_timestamp_seconds\\{certificate="${what}"\\} 1\\d{9}`,
        'm'
      )
    )
  t.match(text, /^belay_controller_certificate_reload_problem 0$/m)
  t.match(text, /^belay_controller_tls_connections [1-9]/m)
  t.match(text, /^belay_controller_requests_refused_total\{code="certificate-revoked"\} [1-9]/m)
})

t.test('a stream of events ends with its token, not with that of another', async (t) => {
  const { d, authority, port } = await withCertificates(t)
  using store = await openControllerStore(d.state)
  const by = { name: 'anna', role: 'admin', transport: 'test', request: null }
  const add = (name: string) =>
    store.tokens.add({ name, role: 'observe', expiresAt: null }, '2026-03-02T09:00:00.000Z', by)
  const read = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const stream = { ended: false }
    await new Promise<void>((open, failed) => {
      const req = request({
        ...{ host: '127.0.0.1', port, path: '/v1/events', agent: false, ca: authority.cert, headers }
      })
      req.on('response', (response) => {
        response.once('data', () => open())
        response.on('error', () => {})
        response.on('close', () => {
          stream.ended = true
        })
      })
      req.on('error', failed).end()
      t.teardown(() => req.destroy())
    })
    return stream
  }
  const [first, second] = [await read(add('first')), await read(add('second'))]
  store.tokens.revoke('first', '2026-03-02T09:00:00.000Z', by)
  await eventually(async () => first.ended, 'the stream ends')
  t.notOk(second.ended)
  store.tokens.revoke('second', '2026-03-02T09:00:00.000Z', by)
  await eventually(async () => second.ended, 'the other one too')
})

t.test('who asks too often is told when to come again, and may still stop a rollout', async (t) => {
  const { authority, client } = await withCertificates(t, { requestsPerSecond: 1, requestsAtOnce: 3 })
  const asAnna = client(authority.role('operate', 'anna'))
  const answers = []
  for (let i = 0; i < 8; i++) answers.push(await asAnna({}, '/v1/hosts'))
  const last = answers.findLast(({ status }) => status === 429)
  t.equal(last?.headers['retry-after'], '1')
  t.match(last?.text, 'too-many-requests')
  t.match(answers.slice(0, 3), [{ status: 200 }, { status: 200 }, { status: 200 }])
  const json = { 'content-type': 'application/json' }
  for (const word of ['pause', 'abort'])
    for (let i = 0; i < 8; i++)
      t.match(
        (await asAnna(json, `/v1/rollouts/current/${word}`, 'POST', '{}')).text,
        'rollout-unknown',
        'it is heard; there is none'
      )
  t.match(await client(authority.role('operate', 'otto'))({}, '/v1/hosts'), { status: 200 }, 'others go on')
})

t.test('who is let in by nobody keeps no connection', async (t) => {
  const { authority, client } = await withCertificates(t)
  const strangers = [
    ...[client(null), client(testAuthority().role('admin'))],
    ...[client(authority.leaf({ name: 'anna' })), client(authority.role('root'))]
  ]
  for (const ask of strangers)
    for (const path of ['/v1/hosts', '/v1/hosts', '/nowhere', '/%zz', '/livez'])
      t.match(await ask({}, path), { reused: false }, path)
  const asAnna = client(authority.role('observe'))
  t.match(await asAnna({}, '/v1/hosts'), { status: 200, reused: false })
  t.match(await asAnna({}, '/v1/audit'), { status: 403, reused: true })
  t.match(await asAnna({}, '/v1/hosts'), { status: 200, reused: true })
})

t.test('a listener that is full keeps nobody on the machine from stopping a rollout', async (t) => {
  const { d, port, authority, ask } = await withCertificates(t, { maxConnections: 16, maxPerAddress: 16 })
  const idle = Array.from({ length: 60 }, () => createConnection(port, '127.0.0.1').on('error', () => {}))
  t.teardown(() => {
    for (const socket of idle) socket.destroy()
  })
  await Promise.all(idle.slice(16).map((socket) => new Promise((closed) => socket.once('close', closed))))
  t.match(await ask(authority.role('operate'), 'GET', '/v1/hosts'), { status: 0 }, 'it is full')
  for (const word of ['pause', 'abort'])
    await t.rejects(d.call('operate', 'POST', `/v1/rollouts/current/${word}`, {}), {
      code: 'rollout-unknown'
    })
})

t.test('settings that would be half of it are refused', async (t) => {
  const start = (listen: object) => withCertificates(t, listen)
  for (const listen of [
    { crlFile: '' },
    { clientCaFile: '' },
    { clients: 'required', clientCaFile: '', crlFile: '' }
  ])
    await t.rejects(start(listen), { code: 'invalid-config', at: 'listen' }, JSON.stringify(listen))
})

t.test('a revocation list of another authority keeps the daemon from starting', async (t) => {
  const directory = t.testdir({ 'crl.pem': testAuthority().revoke([]) })
  await t.test('it', (inner) =>
    inner.rejects(withCertificates(inner, { crlFile: join(directory, 'crl.pem') }), {
      code: 'certificate-unusable'
    })
  )
})
