import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import t from 'tap'
import { openControllerStore } from '../../../controller/store/controller-store.ts'
import type { ApiRole } from '../../../shared/server/role.ts'
import { describedRoutes } from '../../shared/described-routes.ts'
import { withCertificates } from './with-certificates.ts'

const roles = ['observe', 'propose', 'approve', 'operate', 'admin'] as const

/** A rollout of it waits for a person. */
const fleet = `version: 1
hosts: { cinnabar: {}, galena: {} }
rollout: { stages: [{ name: all, select: {}, approval: true }] }
`

const described = describedRoutes<ApiRole>('controller')
/** All that the certificate of a host may call. */
const forHosts: ReadonlySet<string> = new Set(['POST /v1/pre-reboot', 'POST /v1/steady-state'])

/** The status of an answer, of which no more is read: one is a stream. */
function statusOf(
  way: object,
  { method, path, body, headers = {} }: { method: string; path: string; body: string; headers?: object }
) {
  const type = body === '' ? {} : { 'content-type': 'application/json', 'content-length': `${body.length}` }
  const send = 'port' in way ? requestTls : request
  return new Promise<number>((resolve, reject) => {
    const req = send({ ...way, method, path, agent: false, headers: { ...type, ...headers } })
    req.on('error', reject)
    req.on('response', (res) => {
      resolve(res.statusCode ?? 0)
      res.destroy()
    })
    req.end(body)
  })
}

/** The controller, and the ways to it: by socket, certificate and token of each role. */
async function world(t: Parameters<typeof withCertificates>[0]) {
  const { d, port, authority } = await withCertificates(
    t,
    { requestsPerSecond: 10_000, requestsAtOnce: 10_000 },
    fleet
  )
  using store = await openControllerStore(d.state)
  const by = { name: 'anna', role: 'admin', transport: 'test', request: null }
  const tls = { host: '127.0.0.1', port, ca: authority.cert }
  const waysOf = (role: (typeof roles)[number]) => {
    const token = { name: `ci-${role}`, role, expiresAt: null }
    const authorization = `Bearer ${store.tokens.add(token, '2026-03-02T09:00:00.000Z', by)}`
    return [
      { name: 'socket', way: { socketPath: d.socket(role) }, headers: {} },
      { name: 'certificate', way: { ...tls, ...authority.role(role) }, headers: {} },
      { name: 'token', way: tls, headers: { authorization } }
    ]
  }
  return { d, tls, authority, ways: new Map(roles.map((role) => [role, waysOf(role)])) }
}

t.test('every route, for every role by every way, is allowed or refused as its role says', async (t) => {
  const { tls, authority, ways } = await world(t)
  const host = { ...tls, ...authority.host('cinnabar') }
  const nobody = { ...tls, ...authority.leaf({ name: 'anna' }) }
  t.ok(described.length > 20)
  for (const { method, path, role } of described) {
    // What no route takes, so that nothing happens behind the door.
    const body = method === 'GET' ? '' : '{'
    const route = { method, path: path.replaceAll(/\{\w+\}/g, 'x'), body }
    for (const [own, ofRole] of ways)
      for (const { name, way, headers } of ofRole) {
        const status = await statusOf(way, { ...route, headers })
        const allowed = roles.indexOf(own) >= roles.indexOf(role)
        const refused = status === 403 || status === 401
        t.equal(refused, !allowed, `${method} ${path} by the ${name} of ${own}: ${status}`)
      }
    const may = forHosts.has(`${method} ${path}`)
    t.equal((await statusOf(host, route)) === 403, !may, `${method} ${path} by the certificate of a host`)
    t.equal(await statusOf(nobody, route), 403, `${method} ${path} by a certificate without a role`)
    t.equal(await statusOf(tls, route), 401, `${method} ${path} without papers`)
  }
})

t.test('a way round the role is none', async (t) => {
  const { d, tls, authority } = await world(t)
  const { id } = await d.call<{ id: string }>('operate', 'POST', '/v1/rollouts', { plan: await d.plan() })
  const word = '/v1/rollouts/current/abort'
  for (const [method, path, headers = {}] of [
    ...['HEAD', 'OPTIONS', 'PATCH', 'TRACE', 'PUT', 'PROPFIND', 'PURGE'].map((each) => [each, word] as const),
    ['POST', `/${word}`],
    ['POST', `${word}/`],
    ['POST', word.toUpperCase()],
    ['POST', '/v1/rollouts/current/%61bort'],
    ['POST', '/v1/rollouts%2fcurrent%2fabort'],
    ['POST', '/v1/rollouts/x/../current/abort'],
    ['POST', '/v1/rollouts/%2e%2e/current/abort'],
    ['POST', `${word};x`],
    ['POST', `${word}%00`],
    ['POST', `${word}?role=admin`],
    ['POST', `http://controller${word}`],
    ['GET', word, { 'x-http-method-override': 'POST' }],
    ['POST', word, { 'belay-operator': 'root', 'x-forwarded-user': 'root', 'x-forwarded-for': '127.0.0.1' }]
  ] as const)
    for (const [name, way] of [
      ['socket', { socketPath: d.socket('approve') }],
      ['certificate', { ...tls, ...authority.role('approve') }],
      ['no papers', tls]
    ] as const) {
      const status = await statusOf(way, { method, path, body: method === 'GET' ? '' : '{}', headers })
      t.ok([400, 401, 403, 404].includes(status), `${method} ${path} by ${name}: ${status}`)
    }
  const { entries } = await d.call<{ entries: { action: string }[] }>('operate', 'GET', '/v1/audit')
  t.same(
    entries.filter(({ action }) => action === 'abort'),
    []
  )
  t.match(await d.call('operate', 'POST', word, {}), { rollout: id, word: 'abort' }, 'who may is heard')
})
