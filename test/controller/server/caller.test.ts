import { readFileSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { openControllerStore } from '../../../controller/store/controller-store.ts'
import { mustRun } from '../../../shared/command.ts'
import { startController } from './daemon.ts'

const fleet = 'version: 1\nhosts: { cinnabar: {}, galena: {} }\n'
const by = { name: 'anna', role: 'admin', transport: 'test', request: null }
const at = '2026-03-02T09:00:00.000Z'

/** A port that is free at this moment. */
const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/** A daemon that also answers over TLS, and what asks it there. */
async function overTls(t: Test) {
  const keys = t.testdir({})
  const [certificateFile, keyFile] = [join(keys, 'cert.pem'), join(keys, 'key.pem')]
  const openssl = [
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes'
  ]
  const subject = ['-subj', '/CN=controller.example', '-addext', 'subjectAltName=IP:127.0.0.1']
  await mustRun([...openssl, ...subject, '-keyout', keyFile, '-out', certificateFile], { timeoutMs: 30_000 })
  const port = await freePort()
  const d = await startController(t, {
    fleet,
    settings: { listen: { address: '127.0.0.1', port, certificateFile, keyFile } }
  })
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: unknown) =>
    new Promise<{ status: number; body: Record<string, unknown>; text: string }>((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body)
      const type = payload === undefined ? {} : { 'content-type': 'application/json' }
      const options = {
        host: '127.0.0.1',
        port,
        method,
        path,
        ca: readFileSync(certificateFile),
        agent: false
      }
      const req = request({ ...options, headers: { ...type, ...headers } }, (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        res.on('end', () => {
          const json = /json/.test(res.headers['content-type'] ?? '')
          resolve({ status: res.statusCode ?? 0, body: json ? JSON.parse(text) : {}, text })
        })
      })
      req.on('error', reject)
      req.end(payload)
    })
  using store = await openControllerStore(d.state)
  const tokenOf = (name: string, role: 'observe' | 'propose' | 'operate', expiresAt: string | null = null) =>
    store.tokens.add({ name, role, expiresAt }, at, by)
  const tokens = {
    monitoring: tokenOf('monitoring', 'observe'),
    cinnabar: tokenOf('cinnabar', 'propose'),
    ci: tokenOf('ci', 'operate'),
    old: tokenOf('old', 'operate', '2026-03-03T00:00:00.000Z')
  }
  return { d, ask, tokens, port }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const lock = { client_params: { id: 'cinnabar', group: 'default' } }
const protocol = { 'fleet-lock-protocol': 'true' }

t.test('nobody but the owner may open a socket unless a group is named', async (t) => {
  const d = await startController(t, { fleet })
  for (const role of ['observe', 'propose', 'approve', 'operate', 'admin'])
    t.equal(statSync(d.socket(role)).mode & 0o777, 0o600, role)
})

t.test(
  'over TLS a token decides: none, a wrong, an expired, a revoked and a weak one are refused',
  async (t) => {
    const { d, ask, tokens } = await overTls(t)
    t.match(await ask('GET', '/v1/hosts'), { status: 401, body: { code: 'token-invalid' } })
    t.match(await ask('GET', '/livez'), { status: 401 })
    const changed = `${tokens.ci.slice(0, -1)}${tokens.ci.endsWith('A') ? 'B' : 'A'}`
    for (const wrong of ['', 'x', changed, tokens.old, `belay_${'0'.repeat(12)}_${'A'.repeat(43)}`])
      t.match(
        await ask('GET', '/v1/hosts', bearer(wrong)),
        { status: 401, body: { code: 'token-invalid' } },
        wrong
      )
    t.match(await ask('GET', '/v1/hosts', bearer(tokens.monitoring)), { status: 200 })
    t.match(await ask('GET', '/metrics', bearer(tokens.monitoring)), {
      status: 200,
      text: /^belay_controller_/m
    })
    const pause = '/v1/rollouts/current/pause'
    t.match(await ask('POST', pause, bearer(tokens.monitoring), {}), {
      status: 403,
      body: { code: 'role-too-low', found: 'observe', wanted: 'operate' }
    })
    t.match(await ask('POST', pause, bearer(tokens.ci), {}), {
      status: 404,
      body: { code: 'rollout-unknown' }
    })
    const basic = { authorization: `Basic ${Buffer.from(`x:${tokens.monitoring}`).toString('base64')}` }
    t.match(await ask('GET', '/v1/hosts', basic), { status: 200 }, 'for programs that know nothing else')
    // A claim that counts on a socket counts for nothing here.
    await ask('POST', '/v1/pre-reboot', { ...bearer(tokens.ci), ...protocol, 'belay-operator': 'root' }, lock)
    t.match(await d.call('operate', 'GET', '/v1/audit'), {
      entries: [{ action: 'reboot lock', principal: 'token ci', transport: 'tls' }]
    })
    using store = await openControllerStore(d.state)
    store.tokens.revoke('ci', at, by)
    t.match(await ask('GET', '/v1/hosts', bearer(tokens.ci)), { status: 401 })
    t.throws(() => store.tokens.revoke('ci', at, by), { code: 'token-unknown' })
    t.notMatch(readFileSync(join(d.state, 'rollouts.db')).toString('latin1'), tokens.monitoring.slice(-43))
  }
)

t.test('a token below operate speaks for the host of its name alone', async (t) => {
  const { ask, tokens } = await overTls(t)
  const reboot = (id: string, token: string, headers = protocol) =>
    ask(
      'POST',
      '/v1/pre-reboot',
      { ...bearer(token), ...headers },
      { client_params: { id, group: 'default' } }
    )
  t.match(await reboot('cinnabar', tokens.monitoring), { status: 403, body: { kind: 'role-too-low' } })
  t.match(await reboot('galena', tokens.cinnabar), { status: 403, body: { kind: 'role-too-low' } })
  t.match(await reboot('cinnabar', tokens.cinnabar), { status: 200, body: { kind: 'granted' } })
  t.match(await reboot('galena', tokens.ci), {
    status: 409,
    body: { kind: 'reboot-not-now', value: /cinnabar/ }
  })
})

t.test('a listener without certificate is refused when it is configured', async (t) => {
  const settings = { listen: { address: '127.0.0.1' } }
  await t.rejects(startController(t, { fleet, settings }), { code: 'invalid-config', at: 'listen' })
  const files = { certificateFile: '/nowhere.pem', keyFile: '/nowhere.pem' }
  await t.rejects(startController(t, { fleet, settings: { listen: { address: '127.0.0.1', ...files } } }), {
    code: 'certificate-unusable'
  })
})
