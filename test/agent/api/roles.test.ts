import { request } from 'node:http'
import { pino } from 'pino'
import t from 'tap'
import type { AppOptions } from '../../../agent/api/app.ts'
import { buildApp } from '../../../agent/api/app.ts'
import { listen } from '../../../agent/api/listen.ts'
import { parseSettings } from '../../../agent/config/settings.ts'
import type { Role } from '../../../shared/api/schemas.ts'
import { roles } from '../../../shared/api/schemas.ts'
import type { DescribedRoute } from '../../shared/described-routes.ts'
import { describedRoutes } from '../../shared/described-routes.ts'
import { shortDirectory } from '../fakes/daemon.ts'

/** The status of an answer, of which no more is read: some are streams. 0: let in, and what is only promised broke. */
function statusOf(
  socketPath: string,
  {
    method,
    path,
    body,
    headers = {}
  }: Record<'method' | 'path', string> & {
    readonly body?: string | undefined
    readonly headers?: Record<string, string>
  }
): Promise<number> {
  const type =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': `${body.length}` }
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, method, path, agent: false, headers: { ...type, ...headers } })
    req.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve(0) : reject(error)
    )
    req.on('response', (res) => {
      resolve(res.statusCode ?? 0)
      res.destroy()
    })
    req.end(body)
  })
}

type Route = DescribedRoute<Role>

const described = describedRoutes<Role>('agent')

/** Every route there is; what they call is only promised, so that nothing happens behind the door. */
const options = (socketDirectory: string): AppOptions => ({
  ...({ host: {}, operations: {}, approvals: {}, soak: {}, checks: {} } as AppOptions),
  settings: parseSettings(JSON.stringify({ socketDirectory }), 'test'),
  bootId: '',
  logger: pino({ enabled: false }),
  metrics: async () => '',
  ready: () => true
})

t.test('every route, on every socket, is allowed or refused as its role says', async (t) => {
  const parts = options(shortDirectory(t))
  const routes: Route[] = []
  const app = await buildApp({
    ...parts,
    describe: async (empty) => {
      empty.addHook('onRoute', ({ method, url, config }) => {
        const path = url.replaceAll(/:(\w+)/g, '{$1}')
        routes.push({ method: String(method), path, role: config?.role as Role })
      })
    }
  })
  t.teardown(await listen(app, parts.settings))
  const byPath = (a: Route, b: Route) => (`${a.path} ${a.method}` < `${b.path} ${b.method}` ? -1 : 1)
  t.same(routes.sort(byPath), described.sort(byPath), 'the description has every route, with its role')
  for (const { method, path, role } of routes) {
    for (const socket of ['observe', 'propose', 'operate', 'admin'] as const) {
      const file = `${parts.settings.socketDirectory}/${socket}.sock`
      const body = method === 'GET' ? undefined : '{'
      const status = await statusOf(file, { method, path: path.replaceAll(/\{\w+\}/g, 'x'), body })
      const allowed = roles.indexOf(socket) >= roles.indexOf(role)
      t.equal(status === 403, !allowed, `${method} ${path} on the ${socket} socket: ${status}`)
    }
  }
})

t.test('a way round the role is none', async (t) => {
  const parts = options(shortDirectory(t))
  t.teardown(await listen(await buildApp(parts), parts.settings))
  const observe = `${parts.settings.socketDirectory}/observe.sock`
  for (const [method, path, headers = {}] of [
    ['HEAD', '/v1/rollback'],
    ['OPTIONS', '/v1/rollback'],
    ['PATCH', '/v1/rollback'],
    ['TRACE', '/v1/rollback'],
    ['PROPFIND', '/v1/rollback'],
    ['POST', '//v1/rollback'],
    ['POST', '/v1/rollback/'],
    ['POST', '/V1/ROLLBACK'],
    ['POST', '/v1/%72ollback'],
    ['POST', '/v1%2frollback'],
    ['POST', '/v1/rollback%00'],
    ['POST', '/v1/%2e/rollback'],
    ['POST', '/v1\\rollback'],
    ['POST', '/v1/x/../rollback'],
    ['POST', '/v1/rollback;x'],
    ['POST', '/v1/rollback?role=admin'],
    ['GET', '/v1/rollback', { 'x-http-method-override': 'POST' }],
    ['POST', '/v1/rollback', { 'x-forwarded-user': 'root', authorization: 'Bearer admin' }],
    ['POST', 'http://agent/v1/rollback']
  ] as const) {
    const body = method === 'POST' ? '{}' : undefined
    const status = await statusOf(observe, { method, path, body, headers })
    t.ok([400, 403, 404].includes(status), `${method} ${path}: ${status}`)
  }
})

t.test('with a route that names no role the app does not start', async (t) => {
  const parts = options(shortDirectory(t))
  const app = buildApp({ ...parts, describe: async (empty) => void empty.get('/open', async () => 'x') })
  await t.rejects(app, { code: 'internal', message: 'GET /open names no role' })
})
