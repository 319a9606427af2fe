import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { certificateFiles } from '../../../agent/certificate/host-certificate.ts'
import { metricsListener } from '../../../agent/metrics/listener.ts'
import { agentMetrics } from '../../../agent/metrics/metrics.ts'
import { NetworkHalf } from '../../../agent/network/half.ts'
import type { Host } from '../../../agent/platform/platform.ts'
import { testAuthority } from '../../shared/server/authority.ts'
import { clientOf, freePort } from '../../shared/server/tls-world.ts'
import { startDaemon } from '../fakes/daemon.ts'
import { networkAlone } from '../network/alone.ts'

/** A daemon that also gives metrics over TLS, to Prometheus alone. */
async function withMetrics(t: Test, config = 'web.yml') {
  const d = await startDaemon(t)
  const directory = t.testdir({})
  const authority = testAuthority()
  const write = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const { cert, key } = authority.host('cinnabar', { addresses: ['127.0.0.1'] })
  write('host.pem', `${cert}${key}`)
  write('ca.pem', authority.cert)
  const revoke = (...serials: string[]) => write('crl.pem', authority.revoke(serials))
  const crlFile = revoke()
  const web = `tls_server_config:
  cert_file: host.pem
  key_file: host.pem
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: ["belay://role/observe/prometheus"]
`
  const put = () => write('web.yml', web)
  if (config === 'web.yml') put()
  const port = await freePort()
  const log: string[] = []
  const say = (fields: object, text?: string) => void log.push(`${text} ${JSON.stringify(fields)}`)
  const half = new NetworkHalf(networkAlone)
  t.teardown(() => half.close())
  const listener = metricsListener({
    settings: { address: '127.0.0.1', port, webConfigFile: join(directory, config), crlFile },
    enrolled: certificateFiles(d.settings).tls,
    half,
    metrics: agentMetrics({} as Host, d.operations),
    logger: { info: say, warn: say, error: say } as never
  })
  await listener.tick()
  return { d, authority, listener, log, put, revoke, client: clientOf(t, port, authority.cert) }
}

t.test('Prometheus gets metrics, and nothing else', async (t) => {
  const { authority, client } = await withMetrics(t)
  const ask = client(authority.role('observe', 'prometheus'))
  t.match(await ask({}, '/metrics'), { status: 200, text: /^belay_agent_build_info/m })
  t.match(await ask({}, '/metrics?a=b'), { status: 200 })
  for (const path of [
    '/',
    '/livez',
    '/v1/host',
    '/v1/operations',
    '/metricsx',
    '/%6detrics',
    '//metrics',
    '/metrics/'
  ])
    t.match(await ask({}, path), { status: 404, text: /"code":"not-found"/ }, path)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    t.match(await ask({}, '/metrics', method), { status: 404 }, method)
  t.match(await ask({}, '/v1/rollback', 'POST', '{}'), { status: 404 })
})

t.test('metrics tell when its certificates expire, and whether there is a listener', async (t) => {
  const { d, listener } = await withMetrics(t)
  const text = await agentMetrics({} as Host, d.operations, { tls: listener })()
  for (const what of ['server', 'client-authority', 'revocation-list'])
    t.match(
      text,
      new RegExp(`^belay_agent_certificate_expiry_timestamp_seconds\\{certificate="${what}"\\} 1\\d{9}`, 'm')
    )
  t.match(text, /^belay_agent_certificate_reload_problem 0$/m)
  const none = await withMetrics(t, 'missing.yml')
  const without = await agentMetrics({} as Host, none.d.operations, { tls: none.listener })()
  t.match(without, /^belay_agent_certificate_reload_problem 1$/m)
  t.notMatch(without, 'certificate_expiry_timestamp_seconds{')
})

t.test('another name, another authority, none at all and a revoked one get nothing', async (t) => {
  const { authority, client, revoke, listener, log } = await withMetrics(t)
  for (const pair of [
    authority.role('admin', 'anna'),
    authority.host('galena'),
    authority.role('observe', 'prometheus2'),
    authority.leaf({ dns: ['x, URI:belay://role/observe/prometheus, x'] })
  ])
    t.match(await client(pair)({}, '/metrics'), { status: 403, text: /certificate-without-role/ })
  for (const pair of [null, testAuthority().role('observe', 'prometheus')])
    t.match(await client(pair)({}, '/metrics'), { status: 0 })
  const prometheus = authority.role('observe', 'prometheus')
  const ask = client(prometheus)
  t.match(await ask({}, '/metrics'), { status: 200 })
  revoke(prometheus.serial)
  await listener.tick()
  t.match(await ask({}, '/metrics'), { status: 0 })
  const told = /^said by the network half \{"said":"the certificates were read again \{.*\}"\}$/m
  t.match(log.join('\n'), told, 'its words are a field')
})

t.test(
  'without its files the agent goes on, says so once, and opens the listener when they come',
  async (t) => {
    const { authority, client, listener, log, put, d } = await withMetrics(t, 'later.yml')
    const ask = client(authority.role('observe', 'prometheus'))
    t.match(await ask({}, '/metrics'), { status: 0, text: 'ECONNREFUSED' })
    await listener.tick()
    t.equal(log.filter((line) => /not given over TLS/.test(line)).length, 1)
    writeFileSync(put().replace('web.yml', 'later.yml'), 'tls_server_config: {}\n')
    await listener.tick()
    t.match(log.at(-1), /cert_file/)
    writeFileSync(put().replace('web.yml', 'later.yml'), readFileSync(put()))
    await listener.tick()
    t.match(await ask({}, '/metrics'), { status: 200 })
    t.ok(d.app)
  }
)

t.test('a listener that is gone is not one that is as it was', async (t) => {
  const directory = t.testdir({
    'web.yml': 'tls_server_config: { cert_file: a.pem, key_file: a.pem }\n',
    'a.pem': 'whatever'
  })
  const log: string[] = []
  const say = (_: object, text: string) => void log.push(text)
  const expiries = [{ what: 'server' as const, from: 0, until: 1 }]
  const answers = [
    async () => ({ expiries, problem: null }),
    async () => ({ expiries, problem: 'no certificate with its key' }),
    async () => ({ expiries: [], problem: 'no listener: EADDRINUSE' }),
    async () => ({ expiries, problem: null }),
    () => Promise.reject(new Error('the network half has ended'))
  ]
  const listener = metricsListener({
    settings: { address: '::', port: 9465, webConfigFile: join(directory, 'web.yml'), crlFile: null },
    enrolled: { certificateFile: '', keyFile: '', clientCaFile: null, crlFile: null },
    half: { serve: () => {}, listen: () => (answers.shift() ?? t.fail)() as never },
    metrics: async () => '',
    logger: { info: say, warn: say, error: say } as never
  })
  const seen: number[] = []
  for (let times = 0; times < 5; times++) {
    await listener.tick()
    seen.push(listener.expiries().length)
  }
  const [given, notGiven] = ['metrics are given over TLS', 'metrics are not given over TLS']
  t.same(log, [given, 'the listener for metrics is as it was', notGiven, given, notGiven])
  t.same(seen, [1, 1, 0, 1, 0], 'nothing is told of certificates that nobody shows')
})
