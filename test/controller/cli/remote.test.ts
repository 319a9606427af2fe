import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { openControllerStore } from '../../../controller/store/controller-store.ts'
import type { Pair } from '../../shared/server/authority.ts'
import { testAuthority } from '../../shared/server/authority.ts'
import { freePort } from '../../shared/server/tls-world.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { eventually } from '../server/daemon.ts'
import { withCertificates } from '../server/with-certificates.ts'
import { daemonOnly, runBelay } from './run-belay.ts'

const fleet = `version: 1
rollout: { stages: [{ name: all, select: {}, approval: true }] }
hosts: { cinnabar: {} }
`
const HOUR = 3_600_000

/** A command line on another machine: a configuration and files of its own, and no way to the hosts or the sockets. */
async function elsewhere(t: Test, listen: object = {}) {
  const world = await withCertificates(t, listen, fleet)
  const config = join(world.d.directory, 'config')
  mkdirSync(join(config, 'belay'), { recursive: true })
  process.env.XDG_CONFIG_HOME = config
  t.teardown(() => delete process.env.XDG_CONFIG_HOME)
  const put = (name: string, text: string, mode = 0o600) => {
    const path = join(config, 'belay', name)
    writeFileSync(path, text)
    chmodSync(path, mode)
  }
  const url = `https://127.0.0.1:${world.port}`
  put('ca.pem', world.authority.cert)
  const configure = (settings: object) => put('client.json', JSON.stringify(settings))
  const use = (pair: Pair, settings: object = {}) => {
    put('me.pem', `${pair.cert}${pair.key}`)
    configure({ server: url, caFile: 'ca.pem', certificateFile: 'me.pem', ...settings })
  }
  const belay = (...args: string[]) =>
    runBelay(['-f', world.d.file, ...args, '--state', join(config, 'no-state')], daemonOnly())
  return { ...world, url, put, configure, use, belay }
}

t.test('a rollout from another machine: each step with the role in the certificate', async (t) => {
  const { d, authority, use, belay } = await elsewhere(t)
  use(authority.role('operate', 'anna'))
  const path = ['--no-build', '--path', `cinnabar=${storePath('b')}`, '--no-push', '--no-preview']
  const started = await belay('rollout', 'start', ...path, '--reason', 'flake update')
  t.match(started, { code: 5, out: /waiting-for-approval/ }, started.err)
  use(authority.role('observe', 'otto'))
  t.match(await belay('rollout', 'status'), { code: 5, out: /cinnabar/ })
  t.match(await belay('rollout', 'approve', 'all'), { code: 1, err: /role-too-low/ })
  t.match(await belay('audit'), { code: 1, err: /role-too-low/ })
  use(authority.role('approve', 'ada'))
  t.match(await belay('rollout', 'approve', 'all'), { code: 0, out: /approve all/ })
  t.match(await belay('rollout', 'status', '--watch'), { code: 0, out: /cinnabar {2}done/ })
  t.equal(d.agentOf('cinnabar').seen.starts.length, 1)
  use(authority.role('operate', 'anna'))
  t.match(JSON.parse((await belay('--json', 'audit')).out), {
    entries: [
      { action: 'rollout approved', principal: 'certificate ada', role: 'approve', transport: 'tls' },
      { action: 'rollout created', principal: 'certificate anna', role: 'operate', transport: 'tls' }
    ]
  })
  t.match(await belay('doctor', '--host', 'cinnabar'), { out: /answers at https:\/\/127\.0\.0\.1:\d+/ })
})

t.test('a token in a file does too, and a named server goes before the configured one', async (t) => {
  const { d, url, put, configure, belay } = await elsewhere(t)
  using store = await openControllerStore(d.state)
  const by = { name: 'anna', role: 'admin', transport: 'test', request: null }
  const at = '2026-03-02T09:00:00.000Z'
  put('token', `${store.tokens.add({ name: 'ci', role: 'operate', expiresAt: null }, at, by)}\n`)
  configure({ server: 'https://nowhere.example', caFile: 'ca.pem', tokenFile: 'token' })
  t.match(await belay('audit', '--server', url), { code: 0, out: /token add/ })
  put('token', 'belay_000000000000_x')
  t.match(await belay('audit', '--server', url), { code: 1, err: /token-invalid/ })
})

t.test('what is wrong is said: at this end', async (t) => {
  const { authority, url, put, use, configure, belay } = await elsewhere(t)
  const says = async (code: number, err: RegExp, ...args: string[]) =>
    t.match(await belay('audit', ...args), { code, err }, String(err))
  configure({ server: url, caFile: 'ca.pem' })
  await says(2, /must know who asks.*invalid-config/)
  await says(2, /wanted a URL.*invalid-config/, '--server', 'http://127.0.0.1')
  await says(2, /wanted a URL.*invalid-config/, '--server', 'https://anna:x@127.0.0.1')
  configure({ servr: url })
  await says(2, /client\.json.*invalid-config/)
  use(authority.role('operate'))
  put('me.pem', 'x', 0o600)
  await says(1, /is no certificate with its key.*certificate-unusable/)
  const { cert, key } = authority.role('operate')
  put('me.pem', `${cert}${key}`, 0o640)
  await says(2, /others may read the key.*chmod 600.*invalid-config/)
  put('me.pem', `${cert}${authority.role('operate').key}`)
  await says(1, /the key is that of another.*certificate-unusable/)
  use(authority.role('operate', 'old', { from: Date.now() - 2 * HOUR, until: Date.now() - HOUR }))
  await says(1, /your certificate .*me\.pem expired.*certificate-expired/)
  use(authority.role('operate'), { certificateFile: 'nowhere.pem' })
  await says(2, /nowhere\.pem cannot be read/)
  use(authority.role('operate'), { server: `https://127.0.0.1:${await freePort()}` })
  await says(1, /does not answer.*host-unreachable/)
})

t.test('what is wrong is said: at the other end', async (t) => {
  const { authority, put, use, belay, write, files, revoke, d } = await elsewhere(t)
  const says = (err: RegExp) =>
    eventually(async () => {
      const { code, err: said } = await belay('audit')
      return code === 1 && err.test(said.replace(/\n/g, ' '))
    }, String(err)).then(() => t.pass(String(err)))
  use(testAuthority().role('operate'))
  await says(/certificate-untrusted/)
  const anna = authority.role('operate')
  use(anna)
  revoke(anna.serial)
  await says(/certificate-revoked/)
  revoke()
  put('ca.pem', testAuthority('another authority').cert)
  await says(/not signed by an authority in .*ca\.pem.*server-untrusted/)
  put('ca.pem', authority.cert)
  const serve = ({ cert, key }: Pair) => {
    write('key.pem', key)
    write('cert.pem', cert)
  }
  serve(authority.server({ addresses: ['192.0.2.7'], dns: [] }))
  await says(/for other names.*server-untrusted/)
  serve(authority.server({ from: Date.now() - 2 * HOUR, until: Date.now() - HOUR }))
  await says(/its certificate expired.*server-untrusted/)
  serve(authority.role('admin', 'anna', { addresses: ['127.0.0.1'] }))
  await says(/not that of a server.*server-untrusted/)
  t.ok(files.keyFile)
  await d.end()
  await says(/does not answer.*host-unreachable/)
  await d.start()
})

t.test(
  'where a certificate is required, one that is refused is told from a server that is away',
  async (t) => {
    const { authority, use, belay } = await elsewhere(t, { clients: 'required' })
    use(testAuthority().role('operate'))
    t.match(await belay('audit'), { code: 1, err: /it may refuse your certificate.*host-unreachable/s })
    use(authority.role('operate'))
    t.match(await belay('audit'), { code: 0 })
  }
)
