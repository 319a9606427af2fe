import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { parseFleetFile } from '../../../controller/inventory/load.ts'
import { accessTo } from '../../../controller/monitor/access.ts'
import { alertsOf } from '../../../controller/monitor/alerts.ts'
import { metricsOf } from '../../../controller/monitor/prometheus-schema.ts'
import { promql } from '../../../controller/monitor/promql.ts'
import { mustRun } from '../../../shared/command.ts'
import { planOf } from '../rollout/play.ts'

const { signal } = new AbortController()
const BASIC = `Basic ${Buffer.from('belay:pass-1').toString('base64')}`

/** A Prometheus behind TLS of its own authority that lets in whoever has the token, or user and password. */
async function closedEngine(t: Test) {
  const directory = t.testdir({ token: 'token-1\n', password: 'pass-1\n', 'other.pem': 'no certificate' })
  for (const name of ['token', 'password']) chmodSync(join(directory, name), 0o600)
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'ca.pem')]
  const subject = ['-subj', '/CN=prometheus', '-addext', 'subjectAltName=DNS:localhost']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const files = ['-keyout', key, '-out', certificate]
  await mustRun(['openssl', 'req', '-x509', ...curve, ...subject, ...files], { timeoutMs: 30_000 })
  const seen: (string | undefined)[] = []
  const pem = { key: readFileSync(key), cert: readFileSync(certificate) }
  const server = createServer(pem, (request, response) => {
    const { authorization } = request.headers
    seen.push(authorization)
    const right = authorization === 'Bearer token-1' || authorization === BASIC
    const data = request.url?.endsWith('/alerts') ? { alerts: [] } : { resultType: 'vector', result: [] }
    response.writeHead(right ? 200 : 401).end(right ? JSON.stringify({ status: 'success', data }) : 'who?')
  })
  await new Promise<void>((done) => server.listen(0, 'localhost', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `https://localhost:${(server.address() as AddressInfo).port}`
  const file = join(directory, 'fleet.yaml')
  const write = (alerts: string, more = '') =>
    writeFileSync(
      file,
      `version: 1\nhosts: { galena: {} }\nrollout: { alerts: [{ name: fleet, url: "${url}"${alerts} }] }\n${more}`
    )
  const look = () => alertsOf(accessTo(file))({ name: 'fleet', url: `${url}/`, timeoutSeconds: 5 }, signal)
  return { directory, url, file, write, look, seen }
}

t.test('a token, or user and password, over TLS of its own authority', async (t) => {
  const { directory, url, file, write, look, seen } = await closedEngine(t)
  write(', tokenFile: token, caFile: ca.pem')
  t.match(await look(), { open: true, message: 'nothing fires' })
  write(', basicAuth: { username: belay, passwordFile: password }, caFile: ca.pem')
  t.match(await look(), { open: true })
  t.same(seen, ['Bearer token-1', BASIC])

  write('', `monitoring: { prometheus: { url: "${url}/", tokenFile: token, caFile: ca.pem } }\n`)
  t.match(await look(), { open: true }, 'what the file says once about a URL holds for all questions to it')
  const { content } = parseFleetFile(readFileSync(file, 'utf8'), file)
  const metrics = metricsOf(content.monitoring ?? {}, 'galena', directory)
  t.ok(metrics)
  if (metrics !== null) t.same(await promql(metrics, signal).instant('up', 0), [])
})

t.test('what is not right blocks, says why, and shows no secret', async (t) => {
  const { directory, write, look, seen } = await closedEngine(t)
  const blocks = async (alerts: string, message: RegExp) => {
    write(alerts)
    const seenNow = await look()
    t.match(seenNow, { open: false, firing: [], message }, alerts)
    t.notMatch(seenNow.message, /token-1|pass-1|cGFzcy0x/)
  }
  await blocks(', tokenFile: token', /self-signed certificate/)
  t.same(seen, [], 'nothing was sent to who is not known')
  await blocks(', caFile: ca.pem', /answered 401/)
  await blocks(', tokenFile: none, caFile: ca.pem', /ENOENT.*none/)
  await blocks(', tokenFile: token, caFile: other.pem', /other.pem: no certificate in PEM/)
  await blocks(', tokenFile: ca.pem, caFile: ca.pem', /ca.pem.*(open to others|no secret of one line)/)
  chmodSync(join(directory, 'token'), 0o644)
  await blocks(', tokenFile: token, caFile: ca.pem', /token is open to others \(mode 0644\)/)
  t.same(seen, [undefined])
})

t.test('an address that the fleet file does not name with it gets no secret; plans carry none', async (t) => {
  const { url, file, write, seen } = await closedEngine(t)
  write(', tokenFile: token, caFile: ca.pem')
  const elsewhere = { name: 'fleet', url: url.replace('localhost', '127.0.0.1'), timeoutSeconds: 5 }
  t.match(await alertsOf(accessTo(file))(elsewhere, signal), { open: false })
  t.same(seen, [])
  t.same(planOf(readFileSync(file, 'utf8'), 0).stages[0]?.alerts, [
    { name: 'fleet', url, timeoutSeconds: 10 }
  ])
})

t.test('two ways at once, certificates without TLS, and two words about one URL are refused', async (t) => {
  const read = (alerts: string) =>
    parseFleetFile(`version: 1\nhosts: { galena: {} }\nrollout:\n  alerts:\n${alerts}`, '/srv/fleet.yaml')
  const refused = (alerts: string, message: RegExp) =>
    t.throws(() => read(alerts), { code: 'invalid-fleet-file', message })
  const basic = 'basicAuth: { username: belay, passwordFile: p }'
  const alert = (name: string, url: string, more: string) =>
    `    - { name: ${name}, url: "${url}", ${more} }\n`
  const at = 'https://prometheus.example'
  refused(alert('a', at, `tokenFile: t, ${basic}`), /:5: rollout.alerts.0.basicAuth: .* stand together/)
  refused(alert('a', 'http://prometheus.example', 'caFile: c'), /has no certificate/)
  refused(
    `${alert('a', at, 'tokenFile: t')}${alert('b', `${at}/`, 'tokenFile: u')}`,
    /:6: rollout.alerts.1.url: rollout.alerts.0 says otherwise/
  )
  refused(alert('a', at, 'basicAuth: { username: "a:b", passwordFile: p }'), /username/)
  t.ok(read(`${alert('a', at, 'tokenFile: t')}${alert('b', `${at}/`, 'tokenFile: t')}`))
})
