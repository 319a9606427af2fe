import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runCommand } from '../../shared/command.ts'
import type { Verdict } from '../../shared/verdict/result.ts'
import { testAuthority } from '../shared/server/authority.ts'
import { belay, realAgent, writeFleetFile } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Generation } from './generation.ts'
import type { Host } from './host.ts'
import { waitFor } from './host.ts'
import { fleetUnavailable } from './root.ts'
import { metricsProxy, prometheusUrl, startPrometheus } from './watch.ts'

const names = ['cinnabar', 'electrum', 'galena', 'stibnite']
const checks = {
  flag: { kind: 'command', argv: ['test', '!', '-e', '/run/broken'], severity: 'critical', votes: false },
  shell: { kind: 'command', argv: ['true'], value: 'duration' }
}
const tls = { address: '0.0.0.0', webConfigFile: '/etc/belay-tls/web.yml', crlFile: '/etc/belay-tls/crl.pem' }
const generation = (label: string): Generation => ({
  generation: label,
  ...{ agent: 'bundle', agentConfig: { checks, metrics: tls }, units: metricsProxy }
})

/** What the agent of a host needs to give metrics over TLS; it was started before. */
function giveCertificate(host: Host, authority: ReturnType<typeof testAuthority>): void {
  const directory = join(host.root, 'etc/belay-tls')
  mkdirSync(directory, { recursive: true })
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text, { mode: 0o600 })
  const { cert, key } = authority.host(host.name, { addresses: [host.address] })
  write('host.pem', `${cert}${key}`)
  write('ca.pem', authority.cert)
  write('crl.pem', authority.revoke([]))
  write(
    'web.yml',
    `tls_server_config:
  cert_file: host.pem
  key_file: host.pem
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: ["belay://role/observe/prometheus"]
`
  )
}

interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

t.test(
  'a real Prometheus watches the fleet',
  { skip: fleetUnavailable() ?? false, timeout: 900_000 },
  async (t) => {
    await using fleet = await startFleet({
      hosts: names,
      operator: true,
      agent: realAgent(),
      generations: Object.fromEntries(names.map((name) => [name, generation('before')]))
    })
    const host = fleet.host('cinnabar')
    const metrics = await host.must([
      'curl',
      '-s',
      '--unix-socket',
      '/run/belay/observe.sock',
      'http://agent/metrics'
    ])
    const lint = await runCommand(['promtool', 'check', 'metrics'], {
      timeoutMs: 20_000,
      input: `${metrics}\n`
    })
    t.match(lint, { code: 0, stderr: '' }, 'promtool has nothing to say')
    const all = metrics.split('\n').filter((line) => line && !line.startsWith('#'))
    const series = all.filter((line) => !line.startsWith('belay_agent_check_')).length
    t.ok(series <= 90, `${series} series`)

    const dir = mkdtempSync(join(tmpdir(), 'belay-prometheus-'))
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    const authority = testAuthority()
    for (const each of fleet.hosts) giveCertificate(each, authority)
    const { cert, key } = authority.role('observe', 'prometheus')
    writeFileSync(join(dir, 'prometheus.pem'), `${cert}${key}`)
    writeFileSync(join(dir, 'ca.pem'), authority.cert)
    const prometheus = await startPrometheus(fleet, dir, {
      interval: '1s',
      tls: { ca_file: 'ca.pem', cert_file: 'prometheus.pem', key_file: 'prometheus.pem' }
    })
    t.teardown(() => prometheus.kill())
    const get = async <T>(path: string) => {
      const { stdout } = await fleet.exec(['curl', '-s', `${prometheusUrl}/api/v1/${path}`])
      const { status, data } = JSON.parse(stdout) as { status: string; data: T }
      if (status !== 'success') throw new Error(stdout)
      return data
    }
    const query = async (expression: string) => {
      const data = await get<{ result: { value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`
      )
      return data.result.map((each) => each.value[1])
    }
    const alerts = async (name: string) =>
      (await get<{ alerts: Alert[] }>('alerts')).alerts.filter(({ labels }) => labels.alertname === name)

    await t.test('every host is scraped', async (t) => {
      await waitFor(async () => (await query('up{job="belay"} == 1')).length === 4, 'all hosts scraped')
      t.same(await query('sum(belay_agent_observe_success)'), ['4'])
      t.same(await query('max(belay_agent_profile_generation)'), ['1'])
      t.same(await query('sum(belay_agent_drift)'), ['0'])
    })

    await t.test(
      'and over TLS, by the agents themselves, with the certificate of Prometheus alone',
      async (t) => {
        await waitFor(
          async () => (await query('up{job="belay-tls"} == 1')).length === names.length,
          'all agents scraped over TLS'
        )
        t.same(await query('count(belay_agent_build_info{job="belay-tls"})'), [String(names.length)])
        const curl = (...args: string[]) =>
          fleet.exec(['curl', '-sS', '--cacert', join(dir, 'ca.pem'), ...args])
        const url = (path: string) => `https://${host.address}:9465${path}`
        const own = ['--cert', join(dir, 'prometheus.pem')]
        t.match(await curl(...own, url('/metrics')), { stdout: /^belay_agent_build_info/m })
        t.match(await curl(...own, url('/v1/host')), { stdout: /"code":"not-found"/ })
        t.notMatch(await curl(url('/metrics')), { stdout: /belay_agent/ }, 'not without a certificate')
        // The name is that of this host, the certificate that of another one.
        const other = fleet.host('galena').address
        const moved = ['--connect-to', `cinnabar:9465:${other}:9465`, ...own, 'https://cinnabar:9465/metrics']
        t.match(await curl(...moved), { stdout: '', stderr: /subject name|no alternative certificate/ })
      }
    )

    await t.test('an alert without a "for" fires for a check that fails', async (t) => {
      fleet.writeGenerations({ cinnabar: generation('after') })
      writeFleetFile(fleet, 60)
      const deploy = await belay(fleet, 'deploy', '--host', 'cinnabar')
      t.equal(deploy.code, 0, deploy.stdout + deploy.stderr)
      t.same(await alerts('BelayCheckFailing'), [])
      await host.must(['touch', '/run/broken'])
      await host.must(['belay-agent', 'check', 'run', 'shell'])
      await host.run(['belay-agent', 'check', 'run', 'flag'])
      await waitFor(async () => (await alerts('BelayCheckFailing')).length > 0, 'the alert')
      t.match(await alerts('BelayCheckFailing'), [
        { state: 'firing', labels: { instance: 'cinnabar', check: 'flag', severity: 'critical' } }
      ])
    })

    await t.test('every expression of the dashboard gives series while something is wrong', async (t) => {
      const dashboard = readFileSync(
        join(import.meta.dirname, '../../docs/monitoring/dashboard.json'),
        'utf8'
      )
      const found: string[] = []
      JSON.parse(dashboard, (key, value) => {
        if (key === 'expr') found.push(value as string)
        return value as unknown
      })
      t.ok(found.length >= 10)
      for (const expression of found) {
        await waitFor(async () => (await query(expression)).length > 0, expression)
      }
    })

    await t.test('evidence of Prometheus gives the verdict that the agent’s own gives', async (t) => {
      const file = join(fleet.operator.root, 'root/fleet.yaml')
      const text = readFileSync(file, 'utf8')
      const watched = text.replace('defaults:', 'defaults:\n  soak: { evidence: prometheus }')
      const section = `monitoring: { prometheus: { url: "${prometheusUrl}", interval: 1s } }\n`
      writeFileSync(join(fleet.operator.root, 'root/watched.yaml'), `${watched}${section}`)
      const outcomes = async (fleetFile: string) => {
        const { stdout } = await belay(fleet, '--fleet', fleetFile, '--json', 'verdict', 'cinnabar')
        const { verdict, storePath, criteria } = JSON.parse(stdout) as Verdict
        // Scrapes of a machine that is busy with other things come late; what the agent measured does not.
        const told = criteria.filter(({ name }) => name !== 'coverage' && name !== 'availability')
        return { verdict, storePath, told: told.map(({ name, outcome }) => `${name} ${outcome}`).toSorted() }
      }
      const own = await outcomes('/root/fleet.yaml')
      t.equal(own.verdict, 'NO-GO')
      t.ok(own.told.includes('failures/flag fail'))
      t.same(await outcomes('/root/watched.yaml'), own)
    })

    await t.test('and the alert resolves', async (t) => {
      await host.must(['rm', '/run/broken'])
      await host.must(['belay-agent', 'check', 'run', 'flag'])
      await waitFor(async () => (await alerts('BelayCheckFailing')).length === 0, 'the end of the alert')
      t.same(await query('sum(belay_agent_check_failing)'), ['0'])
    })

    await t.test('an alert with a "for" is pending, fires, and resolves', async (t) => {
      const electrum = fleet.host('electrum')
      await electrum.must(['systemctl', 'stop', 'metrics-proxy', 'belay-agent'])
      const state = async () =>
        (await alerts('BelayAgentDown')).map((each) => `${each.labels.instance} ${each.state}`)
      await waitFor(async () => (await state()).includes('electrum firing'), 'the alert')
      t.same(await state(), ['electrum firing'])
      const pending = 'ALERTS{alertname="BelayAgentDown",instance="electrum",alertstate="pending"}'
      t.ok(
        Number((await query(`count_over_time(${pending}[10m])`))[0]) >= 3,
        'it was pending for its five seconds'
      )
      await electrum.must(['systemctl', 'start', 'belay-agent', 'metrics-proxy'])
      await waitFor(async () => (await state()).length === 0, 'the end of the alert')
      t.same(await query('count(up{job="belay"} == 1)'), ['4'])
    })
  }
)
