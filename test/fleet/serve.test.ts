import { chownSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mustRun, runCommand } from '../../shared/command.ts'
import { checkout } from '../systemd/module.ts'
import { activations, realAgent, truthOf } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import { waitFor } from './host.ts'
import { fleetUnavailable } from './root.ts'

const names = ['cinnabar', 'galena']
const UID = 1990
const STATE = '/var/lib/belay-controller'
const PORT = 9464
const server = ['--server', '/run/belay-controller']

const fleetFile = `version: 1
flake: path:/root/fleet
defaults:
  confirm: { windowSeconds: 20 }
  push: { checkSignatures: false }
rollout:
  maxParallel: 2
  stages: [{ name: all, select: {}, maxParallel: 2 }]
  budgets: [{ tag: vps, maxUnavailable: 2 }]
hosts:
  cinnabar: { tags: [vps], connection: { ssh: { host: cinnabar, user: root } } }
  galena: { tags: [vps], connection: { ssh: { host: galena, user: root } } }
`

/** The daemon as it is packaged: its own unit, its own user, keys of its own, a certificate. */
async function installDaemon({ operator }: Fleet): Promise<void> {
  const at = (path: string) => join(operator.root, path)
  writeFileSync(
    at('etc/passwd'),
    `${readFileSync(at('etc/passwd'))}belay-controller:x:${UID}:${UID}::${STATE}:/bin/sh\n`
  )
  writeFileSync(at('etc/group'), `${readFileSync(at('etc/group'))}belay-controller:x:${UID}:\n`)
  mkdirSync(at('etc/belay'), { recursive: true })
  const files = { certificateFile: '/etc/belay/tls.pem', keyFile: '/etc/belay/tls.key' }
  const listen = { address: operator.address, port: PORT, ...files }
  const settings = { fleetFile: '/etc/belay/fleet.yaml', listen, collect: { seconds: 5 } }
  writeFileSync(at('etc/belay/controller.json'), JSON.stringify(settings))
  writeFileSync(at('etc/belay/fleet.yaml'), fleetFile)
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
  const subject = ['-subj', '/CN=operator', '-addext', `subjectAltName=DNS:operator,IP:${operator.address}`]
  const out = ['-keyout', at(files.keyFile), '-out', at(files.certificateFile)]
  await mustRun([...openssl, ...subject, ...out], { timeoutMs: 30_000 })
  chownSync(at(files.keyFile), UID, UID)
  cpSync(at('root/.ssh'), at(`${STATE}/.ssh`), { recursive: true })
  for (const file of ['', ...readdirSync(at(`${STATE}/.ssh`)).map((name) => `/${name}`)])
    chownSync(at(`${STATE}/.ssh${file}`), UID, UID)
  const config = at(`${STATE}/.ssh/config`)
  writeFileSync(config, readFileSync(config, 'utf8').replace('/root/.ssh', `${STATE}/.ssh`))
  chownSync(at(STATE), UID, UID)
  const unit = readFileSync(join(checkout, 'systemd/belay-controller.service'), 'utf8')
  await operator.must(['sh', '-c', 'cat > /run/systemd/system/belay-controller.service'], {
    input: unit.replace('@belay@', '/usr/local/bin/belay')
  })
  for (const name of ['belay-pki.service', 'belay-pki.timer'])
    await operator.must(['sh', '-c', `cat > /run/systemd/system/${name}`], {
      input: readFileSync(join(checkout, 'systemd', name), 'utf8').replaceAll(
        '@belay@',
        '/usr/local/bin/belay'
      )
    })
  // Debian lets the members of a group use Nix.
  await operator.must(['usermod', '-aG', 'nix-users', 'belay-controller'])
  await operator.must(['systemctl', 'daemon-reload'])
}

const belay = (fleet: Fleet, ...args: string[]) =>
  fleet.operator.run(['belay', '--fleet', '/etc/belay/fleet.yaml', ...args])
const ask = async (fleet: Fleet, role: string, path: string, ...args: string[]) =>
  await fleet.operator.must([
    ...['curl', '-sS', '--max-time', '20', '--unix-socket', `/run/belay-controller/${role}.sock`],
    ...[...args, `http://belay${path}`]
  ])
const statusOf = async (fleet: Fleet) =>
  JSON.parse(await ask(fleet, 'observe', '/v1/rollouts/current')) as { id: string; status: { is: string } }

t.test('the daemon on real hosts', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({ hosts: names, operator: true, agent: realAgent() })
  const { operator } = fleet
  await installDaemon(fleet)
  const journal = async () =>
    (await operator.run(['journalctl', '-u', 'belay-controller', '--no-pager'])).stdout

  await t.test('systemd hears that it is ready; it is alone, and cannot do much', async (t) => {
    const started = await operator.run(['systemctl', 'start', 'belay-controller'])
    t.equal(started.code, 0, await journal())
    const security = await operator.must(['systemd-analyze', 'security', 'belay-controller', '--no-pager'])
    const [, exposure = '10'] = /exposure level.*: ([0-9.]+)/.exec(security) ?? []
    t.ok(Number(exposure) <= 2, `exposure ${exposure}`)
    t.match(await belay(fleet, 'rollout', 'drive', ...server), { code: 1, stderr: /store-locked/ })
    const second = await belay(fleet, 'rollout', 'drive', '--state', STATE)
    t.match(
      second,
      { code: 1, stderr: /belay serve drives rollouts here.*store-locked/ },
      'found by its state, too'
    )
    await waitFor(
      async () => /belay_controller_hosts_streaming 2$/m.test(await ask(fleet, 'observe', '/metrics')),
      'a connection to each host'
    ).catch(async (error) => {
      throw new Error(await ask(fleet, 'observe', '/v1/hosts'), { cause: error })
    })
  })

  await t.test('the timer brings hosts what is new, as the user of the daemon', async (t) => {
    const as = ['systemd-run', '--quiet', '--wait', '--pipe', `--uid=${UID}`, `--setenv=HOME=${STATE}`]
    const asDaemon = (...args: string[]) =>
      operator.run([...as, '/usr/local/bin/belay', '--fleet', '/etc/belay/fleet.yaml', 'pki', ...args])
    const pki = ['--pki', `${STATE}/pki`]
    await operator.must(['systemctl', 'start', 'belay-pki.service', 'belay-pki.timer'])
    t.match(await operator.must(['systemctl', 'show', '-P', 'ConditionResult', 'belay-pki.service']), 'no')
    t.match(await asDaemon('init', ...pki), { code: 0 })
    const [first = ''] = names
    const enrolled = await asDaemon('enroll', first, ...pki)
    t.equal(enrolled.code, 0, enrolled.stdout)
    const trust = () => fleet.host(first).must(['cat', '/var/lib/belay/certificate/trust.pem'])
    const before = await trust()
    const ran = await operator.run(['systemctl', 'start', 'belay-pki.service'])
    const said = await operator.run(['journalctl', '-u', 'belay-pki', '--no-pager'])
    t.equal(ran.code, 0, said.stdout)
    t.not(await trust(), before, 'a newer revocation list')
    const security = await operator.must(['systemd-analyze', 'security', 'belay-pki', '--no-pager'])
    const [, exposure = '10'] = /exposure level.*: ([0-9.]+)/.exec(security) ?? []
    t.ok(Number(exposure) <= 2, `exposure ${exposure}`)
  })

  await t.test(
    'a rollout goes on when the daemon is killed in its middle; no host is activated twice',
    async (t) => {
      const slow = { generation: 'next', agent: 'bundle', hangSeconds: 3 }
      fleet.writeGenerations({ cinnabar: slow, galena: slow })
      const running = belay(fleet, 'rollout', 'start', '--reason', 'flake update', '--wait', '60s', ...server)
      await waitFor(async () => (await activations(fleet.host('galena'))) > 0, 'the activation').catch(
        async (error) => {
          throw new Error(`${(await running).stderr}${await journal()}`, { cause: error })
        }
      )
      await operator.must(['systemctl', 'kill', '-s', 'KILL', 'belay-controller'])
      const { code, stdout, stderr } = await running
      t.equal(code, 0, `${stdout}${stderr}`)
      t.comment(`\n${stdout}`)
      t.equal((await statusOf(fleet)).status.is, 'done')
      t.equal((await operator.must(['systemctl', 'show', '-P', 'NRestarts', 'belay-controller'])).trim(), '1')
      for (const host of fleet.hosts) {
        t.match(await truthOf(host), { running: /-next$/, profile: /-next$/ }, host.name)
        t.equal(await activations(host), 1, `${host.name}: activated once`)
      }
      const audit = JSON.parse((await belay(fleet, '--json', 'audit', ...server)).stdout)
      t.match(audit.entries.at(-1), {
        action: 'rollout created',
        transport: 'socket',
        reason: 'flake update'
      })
    }
  )

  await t.test('what it says is fit for Prometheus, and events are resumed', async (t) => {
    const metrics = await ask(fleet, 'observe', '/metrics')
    t.match(metrics, /^belay_controller_rollout_state\{state="done"\} 1$/m)
    await ask(fleet, 'observe', '/metrics', '-o', '/root/metrics')
    const input = readFileSync(join(operator.root, 'root/metrics'), 'utf8')
    const checked = await runCommand(['promtool', 'check', 'metrics'], { input, timeoutMs: 20_000 })
    t.equal(checked.code, 0, checked.stderr + checked.stdout)
    t.match(JSON.parse(await ask(fleet, 'observe', '/sd?port=9100')), [
      { targets: ['cinnabar:9100'], labels: { __meta_belay_tags: ',vps,' } },
      { targets: ['galena:9100'] }
    ])
    const listen = async (...args: string[]) => {
      const url = 'http://belay/v1/events'
      const curl = ['curl', '-sN', '--max-time', '2', '--unix-socket', '/run/belay-controller/observe.sock']
      const { stdout } = await operator.run([...curl, ...args, url])
      return [...stdout.matchAll(/^id: (.*)\ndata: (.*)$/gm)].map(([, id = '', data = '']) => ({
        id,
        event: JSON.parse(data)
      }))
    }
    const all = await listen()
    t.ok(all.some(({ event }) => event.kind === 'rollout' && event.data.event.kind === 'finished'))
    const steps = all.filter(({ event }) => event.kind === 'operation' && event.host === 'galena')
    t.ok(steps.some(({ event }) => event.data.phase === 'committed'))
    const middle = all[Math.floor(all.length / 2)]
    const rest = await listen('-H', `Last-Event-ID: ${middle?.id}`)
    t.same(
      rest.slice(0, 3).map(({ id }) => id),
      all
        .slice(Math.floor(all.length / 2) + 1)
        .slice(0, 3)
        .map(({ id }) => id)
    )
  })

  await t.test('over TLS a token decides, and reboots share the budget', async (t) => {
    const tokenOf = async (name: string, role: string) =>
      (await operator.must(['belay', 'token', 'add', name, '--role', role, '--state', STATE])).trim()
    const [monitoring, galena] = [await tokenOf('monitoring', 'observe'), await tokenOf('galena', 'propose')]
    const certificate = readFileSync(join(operator.root, 'etc/belay/tls.pem'), 'utf8')
    await fleet.host('galena').must(['sh', '-c', 'cat > /tmp/ca.pem'], { input: certificate })
    const curl = async (token: string | null, path: string, ...args: string[]) => {
      const bearer = token === null ? [] : ['-H', `Authorization: Bearer ${token}`]
      const url = `https://${operator.address}:${PORT}${path}`
      const flags = ['-sS', '--max-time', '20', '--cacert', '/tmp/ca.pem', '-w', '%{http_code}']
      return await fleet.host('galena').must(['curl', ...flags, ...bearer, ...args, url])
    }
    t.match(await curl(null, '/v1/hosts'), /token-invalid.*401$/)
    t.match(await curl(monitoring, '/v1/hosts'), /"host":"galena".*200$/)
    const json = ['-H', 'content-type: application/json', '-d', '{}']
    t.match(await curl(monitoring, '/v1/rollouts/current/pause', ...json), /role-too-low.*403$/)
    const lock = (id: string) => [
      ...['-H', 'fleet-lock-protocol: true', '-H', 'content-type: application/json'],
      ...['-d', JSON.stringify({ client_params: { id, group: 'vps' } })]
    ]
    t.match(await curl(galena, '/v1/pre-reboot', ...lock('galena')), /granted.*200$/)
    t.match(await curl(galena, '/v1/pre-reboot', ...lock('galena')), /granted.*200$/, 'again is the same')
    t.match(await curl(galena, '/v1/pre-reboot', ...lock('cinnabar')), /role-too-low.*403$/)
    await fleet.host('cinnabar').powerCut()
    await waitFor(
      async () => /"host":"cinnabar","answers":false/.test(await ask(fleet, 'observe', '/v1/hosts')),
      'cinnabar is missed'
    )
    t.match(await curl(galena, '/v1/steady-state', ...lock('galena')), /released.*200$/)
    const policy = fleetFile.replace('maxUnavailable: 2', 'maxUnavailable: 1')
    writeFileSync(join(operator.root, 'etc/belay/fleet.yaml'), policy)
    // What was granted before the file was read is given back first.
    const asked = async () => {
      await curl(galena, '/v1/steady-state', ...lock('galena'))
      return await curl(galena, '/v1/pre-reboot', ...lock('galena'))
    }
    await waitFor(
      async () => /reboot-not-now.*cinnabar.*409$/.test(await asked()),
      'the budget is used up by the host that is down'
    )
    await operator.must(['systemctl', 'stop', 'belay-controller'])
    t.equal(
      (await operator.must(['systemctl', 'show', '-P', 'Result', 'belay-controller'])).trim(),
      'success'
    )
  })
})
