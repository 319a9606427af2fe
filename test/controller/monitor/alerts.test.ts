import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { openAccess } from '../../../controller/monitor/access-schema.ts'
import { alertsOf } from '../../../controller/monitor/alerts.ts'
import type { PlannedAlerts } from '../../../shared/api/rollout.ts'

const { signal } = new AbortController()
const look = alertsOf(async () => openAccess)
const alert = (labels: Record<string, string>, state = 'firing') => ({
  labels,
  state,
  value: '1',
  annotations: {}
})
const some = [
  alert({ alertname: 'DiskFull', severity: 'critical', instance: 'galena' }),
  alert({ severity: 'warning', alertname: 'Slow' }),
  alert({ alertname: 'Down', severity: 'critical' }, 'pending')
]

/** A Prometheus that gives one answer, or none. */
async function engine(answer: {
  status?: number
  body?: unknown
  headers?: Record<string, string>
  silent?: boolean
}) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (answer.silent) return
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    response.writeHead(answer.status ?? 200, answer.headers).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
const ask = (url: string, more: Partial<PlannedAlerts> = {}) =>
  look({ name: 'fleet', url, timeoutSeconds: 5, ...more }, signal)
const list = (alerts: unknown) => ({ status: 'success', data: { alerts } })

t.test('what fires and has the labels halts; what is pending does not', async (t) => {
  const { url, asked } = await engine({ body: list(some) })
  t.match(await ask(url, { match: { severity: 'critical' } }), {
    open: false,
    firing: ['DiskFull{instance="galena",severity="critical"}']
  })
  t.match(await ask(`${url}/`, { match: { severity: 'page' } }), {
    open: true,
    firing: [],
    message: 'nothing fires'
  })
  t.equal((await ask(url)).firing.length, 2, 'without labels every one counts')
  t.same([...new Set(asked)], ['/api/v1/alerts'])
})

t.test('a query halts by any result', async (t) => {
  const vector = (result: unknown) => ({ status: 'success', data: { resultType: 'vector', result } })
  const none = await engine({ body: vector([]) })
  t.match(await ask(none.url, { query: 'up == 0' }), { open: true })
  t.same(none.asked, ['/api/v1/query?query=up+%3D%3D+0'])
  const one = await engine({ body: vector([{ metric: { instance: 'galena' }, value: [1, '0'] }]) })
  t.match(await ask(one.url, { query: 'up == 0' }), { open: false, firing: ['alert{instance="galena"}'] })
  const scalar = await engine({
    body: { status: 'success', data: { resultType: 'scalar', result: [1, '1'] } }
  })
  t.match(await ask(scalar.url, { query: '1' }), { open: false, firing: [], message: /vector/ })
})

t.test('an engine that does not answer well blocks, and halts nothing', async (t) => {
  const elsewhere = await engine({ body: list([]) })
  const cases: [string, Parameters<typeof engine>[0], RegExp][] = [
    ['an error', { status: 503, body: 'starting' }, /answered 503/],
    ['no JSON', { body: '<html>' }, /JSON/],
    ['another shape', { body: { status: 'success', data: {} } }, /did not answer with alerts/],
    ['an error of its own', { body: { status: 'error', error: 'x' } }, /did not answer/],
    [
      'a redirection',
      { status: 302, headers: { location: `${elsewhere.url}/api/v1/alerts` }, body: '' },
      /./
    ],
    ['too much', { body: 'x'.repeat(9 * 1024 * 1024) }, /more than \d+ bytes/]
  ]
  for (const [name, answer, message] of cases)
    t.match(await ask((await engine(answer)).url), { open: false, firing: [], message }, name)
  t.same(elsewhere.asked, [])
  const silent = await engine({ silent: true })
  t.match(await ask(silent.url, { timeoutSeconds: 0.05 }), {
    open: false,
    firing: [],
    message: /within 0.05 s/
  })
  t.match(await ask('http://127.0.0.1:1'), { open: false, firing: [], message: /./ }, 'nobody there')
})
