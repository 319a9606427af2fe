import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { CheckState } from '../../shared/api/checks.ts'
import { testAuthority } from '../shared/server/authority.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const votes = { severity: 'critical', timeoutSeconds: 20 }
const checks = {
  tcp: { kind: 'tcp', host: '127.0.0.1', port: 22, ...votes },
  name: { kind: 'http', url: 'http://electrum:1/', severity: 'minor' },
  quick: { kind: 'tcp', host: '127.0.0.1', port: 22, timeoutSeconds: 2 },
  expiry: { kind: 'certificate-expiry', server: { host: '127.0.0.1', port: 9465 } },
  mesh: { kind: 'mesh', peers: [{ host: 'electrum' }], warn: null, severity: 'minor' }
}
const tls = { address: '0.0.0.0', webConfigFile: '/etc/belay-tls/web.yml', crlFile: '/etc/belay-tls/crl.pem' }
const generation = (label: string, more: Partial<Generation> = {}): Generation => ({
  generation: label,
  ...{ agent: 'bundle', agentConfig: { checks, metrics: tls } },
  ...more
})

const webConfig = `tls_server_config:
  cert_file: host.pem
  key_file: host.pem
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: ["belay://role/observe/prometheus"]
`

/** Writes what the listener needs, readable by root alone; gives what puts another certificate or list in its place. */
function certificates(host: Host, authority: ReturnType<typeof testAuthority>) {
  const directory = join(host.root, 'etc/belay-tls')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text, { mode: 0o600 })
  const renew = () => {
    const { cert, key, serial } = authority.host(host.name, { addresses: [host.address] })
    write('host.pem', `${cert}${key}`)
    return serial
  }
  const revoke = (...serials: string[]) => write('crl.pem', authority.revoke(serials))
  renew()
  revoke()
  write('ca.pem', authority.cert)
  write('web.yml', webConfig)
  const client = authority.role('observe', 'prometheus')
  writeFileSync(join(host.root, 'root/client.pem'), `${client.cert}${client.key}`)
  writeFileSync(join(host.root, 'root/ca.pem'), authority.cert)
  return { renew, revoke, client }
}

const state = async (host: Host, name: string): Promise<CheckState> =>
  JSON.parse((await host.run(['belay-agent', '--json', 'check', 'run', name])).stdout) as CheckState
const shown = async (host: Host, unit: string, property: string) =>
  (await host.must(['systemctl', 'show', '-P', property, unit])).trim()
const exposureOf = async (host: Host, unit: string) => {
  const said = await host.must(['systemd-analyze', 'security', unit, '--no-pager'])
  return Number(/exposure level.*: ([0-9.]+)/.exec(said)?.[1] ?? '10')
}
/** The network half itself: `systemd-run`, which started it, is another process. */
const halfOf = (host: Host) => shown(host, 'belay-network', 'MainPID')

/** What checks say: every way in which the half is not there is `unknown`, and it comes back by itself. */
async function comesBack(t: Test, host: Host, name: string): Promise<void> {
  await host.waitFor(async () => (await state(host, name)).result === 'pass', `${name} passes again`)
  t.pass('it came back')
}

t.test('what reaches the network', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum'],
    operator: true,
    agent: realAgent(),
    generations: { cinnabar: generation('baseline'), electrum: { generation: 'baseline', agent: 'bundle' } }
  })
  const host = fleet.host('cinnabar')
  const authority = testAuthority()
  const files = certificates(host, authority)
  const scrape = (path = '/metrics') =>
    host.run([
      ...['curl', '-sS', '--max-time', '20', '--cacert', '/root/ca.pem', '--cert', '/root/client.pem'],
      `https://${host.address}:9465${path}`
    ])
  /** An agent that rests looks once a minute; what happens among its operations wakes it. */
  const soon = async (holds: () => Promise<boolean>, what: string) => {
    await host.must(['sh', '-c', 'cd /var/lib/belay/operations && touch stir && rm stir'])
    await host.waitFor(holds, what)
  }
  const scraped = async () => /^belay_agent_build_info/m.test((await scrape()).stdout)
  await host.waitFor(scraped, 'metrics over TLS')

  await t.test('the agent has no network, and what has one has no right', async (t) => {
    const exposure = await exposureOf(host, 'belay-agent')
    t.ok(exposure <= 3, `exposure of the agent ${exposure}`)
    const ofHalf = await exposureOf(host, 'belay-network')
    t.ok(ofHalf <= 1.5, `exposure of the network half ${ofHalf}`)
    const agent = await shown(host, 'belay-agent', 'MainPID')
    const half = await halfOf(host)
    const links = await host.must(['nsenter', '--net', '--target', agent, 'ip', '-brief', 'link'])
    t.match(links.trim().split('\n'), [/^lo /])
    const status = await host.must(['cat', `/proc/${half}/status`])
    t.notMatch(status, /^Uid:\s+0\s/m)
    t.match(status, /^CapEff:\s+0+$/m)
    t.match(status, /^NoNewPrivs:\s+1$/m)
    t.match(await host.must(['ss', '-Htlnp', 'sport', '=', ':9465']), `pid=${half},`)
  })

  await t.test('checks of the network give what they find', async (t) => {
    t.match(await state(host, 'tcp'), { result: 'pass', message: /open after/ })
    t.match(await state(host, 'mesh'), { result: 'pass' })
    t.match(await state(host, 'name'), { result: 'fail', message: /ECONNREFUSED/ })
    t.match(await state(host, 'expiry'), { result: /pass|warn|fail/, message: /valid until/ })
  })

  await t.test('its user can neither ask the agent, nor read what that keeps', async (t) => {
    const half = await halfOf(host)
    const status = await host.must(['cat', `/proc/${half}/status`])
    const [, uid = '0'] = /^Uid:\s+(\d+)/m.exec(status) ?? []
    const [, gid = '0'] = /^Gid:\s+(\d+)/m.exec(status) ?? []
    const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--']
    const inside = ['nsenter', '--mount', '--target', half, '--', ...asUser]
    for (const [where, as] of [
      ['in the host', asUser],
      ['in its unit', inside]
    ] as const) {
      for (const role of ['observe', 'operate', 'admin']) {
        const asked = await host.run([
          ...[...as, 'curl', '-sS', '--unix-socket', `/run/belay/${role}.sock`],
          'http://agent/livez'
        ])
        t.not(asked.code, 0, `the ${role} socket ${where}`)
      }
      for (const file of ['/var/lib/belay/operations', '/etc/belay-tls/host.pem']) {
        const read = await host.run([...as, 'ls', '-d', `${file}/.`])
        t.match(read.stderr, /Permission denied|Not a directory/, `${file} ${where}`)
        t.not((await host.run([...as, 'cat', file])).code, 0)
      }
    }
    for (const path of ['/nix/var/nix/daemon-socket/socket', '/run/dbus/system_bus_socket'])
      t.match((await host.run([...inside, 'ls', path])).stderr, 'Permission denied', path)
    for (const path of ['/tmp/x', '/var/tmp/x', '/var/lib/x', '/run/x'])
      t.not((await host.run([...inside, 'touch', path])).code, 0, `${path} is not written`)
    t.match((await host.run([...inside, 'logger', 'x'])).stderr, 'Permission denied')
    t.match((await scrape('/v1/host')).stdout, '"code":"not-found"')
  })

  await t.test('a new certificate and a list of what was revoked are taken in', async (t) => {
    const served = async () => {
      const { stdout } = await host.run([
        ...['sh', '-c'],
        `openssl s_client -connect ${host.address}:9465 </dev/null 2>/dev/null | openssl x509 -noout -serial`
      ])
      return stdout.trim().replace('serial=', '')
    }
    const before = await served()
    const serial = files.renew()
    await soon(async () => (await served()) !== before, 'the new certificate')
    t.equal(BigInt(`0x${await served()}`), BigInt(`0x${serial}`))
    t.ok(await scraped())
    files.revoke(files.client.serial)
    await soon(async () => !(await scraped()), 'the revoked certificate is refused')
    files.revoke()
    await soon(scraped, 'metrics again')
  })

  await t.test('killed, stopped by systemd, or silent: unknown, and then it is back', async (t) => {
    const first = await halfOf(host)
    await host.must(['kill', '-KILL', first])
    await comesBack(t, host, 'tcp')
    await host.must(['systemctl', 'stop', 'belay-network'])
    await comesBack(t, host, 'tcp')
    const second = await halfOf(host)
    t.not(second, first)
    await host.must(['kill', '-STOP', second])
    t.match(await state(host, 'quick'), { result: 'unknown', message: 'did not end within 2 s' })
    t.match(await host.run(['belay-agent', 'status']), { code: 0 })
    await comesBack(t, host, 'quick')
    t.not(await halfOf(host), second, 'another one')
    await soon(scraped, 'metrics again')
    // systemd tells systemd-run to end together with the agent; what hears nothing is ended all the same.
    await host.must(['kill', '-STOP', await halfOf(host)])
    await host.must(['systemctl', 'stop', 'belay-agent'])
    t.not((await host.run(['systemctl', 'is-active', 'belay-network'])).code, 0, 'nothing is left')
    await host.must(['systemctl', 'start', 'belay-agent'])
    await host.waitFor(scraped, 'metrics once more')
  })

  const activate = async (next: Generation) => {
    fleet.writeGenerations({ cinnabar: next })
    const path = await fleet.push('cinnabar')
    return host.run(['belay-agent', 'activate', path, '--auto-confirm'], { timeoutMs: 180_000 })
  }

  await t.test('checks of the network vote, whatever became of the half of the daemon', async (t) => {
    await host.must(['kill', '-STOP', await halfOf(host)])
    const good = await activate(generation('good'))
    t.equal(good.code, 0, good.stdout + good.stderr)
    const journal = await host.must(['sh', '-c', 'cat /var/lib/belay/operations/*/journal.jsonl'])
    t.match(journal, '"checks":{"tcp":"pass"}')
    const before = await truthOf(host)
    const breaks = { services: { breaks: 'ip addr del 127.0.0.1/8 dev lo; exec sleep infinity' } }
    const broken = await activate(generation('broken', breaks))
    t.equal(broken.code, 1)
    t.match(broken.stdout, /worse since the activation: check tcp: /)
    await host.must(['ip', 'addr', 'add', '127.0.0.1/8', 'dev', 'lo'])
    t.same(await truthOf(host), before, 'the baseline runs again')
    t.equal((await journalOf(host)).phases.at(-1), 'rolled-back')
  })

  await t.test('a half that cannot be started hinders no activation and no way back', async (t) => {
    for (const [why, line] of [
      ['fails', '/bin/false'],
      ['hangs', '/bin/sleep infinity']
    ] as const) {
      const dropIn = '/run/systemd/system/belay-network-.service.d'
      await host.must(['mkdir', '-p', dropIn])
      await host.must(['sh', '-c', `cat > ${dropIn}/broken.conf`], {
        input: `[Service]\nExecStartPre=${line}\n`
      })
      await host.must(['systemctl', 'daemon-reload'])
      const done = await activate(generation(`while-it-${why}`))
      t.equal(done.code, 0, `${why}: ${done.stdout}${done.stderr}`)
      const { id } = await journalOf(host)
      const journal = await host.must(['cat', `/var/lib/belay/operations/${id}/journal.jsonl`])
      t.match(journal, '"checks":{"tcp":"unknown"}')
    }
    const back = await host.run(['belay-agent', 'rollback'], { timeoutMs: 120_000 })
    t.equal(back.code, 0, back.stdout + back.stderr)
    t.same((await truthOf(host)).failed, [])
    const units = await host.must(['systemctl', 'list-units', '--all', '--plain', 'belay-network-*'])
    t.notMatch(units, 'belay-network-', 'nothing is left of them')
  })

  await t.test('who needs no network has no second process', async (t) => {
    t.equal(await shown(fleet.host('electrum'), 'belay-network', 'LoadState'), 'not-found')
  })
})
