import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runCommand, startCommand } from '../../shared/command.ts'
import { realAgent } from './deployment.ts'
import { startFleet } from './fleet.ts'
import { waitFor } from './host.ts'
import { fleetUnavailable } from './root.ts'

t.test('a real Prometheus scrapes the fleet', { skip: fleetUnavailable() ?? false }, async (t) => {
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum'],
    operator: true,
    agent: realAgent()
  })
  const metrics = await fleet
    .host('cinnabar')
    .must(['curl', '-s', '--unix-socket', '/run/belay/observe.sock', 'http://agent/metrics'])
  const lint = await runCommand(['promtool', 'check', 'metrics'], {
    timeoutMs: 20_000,
    input: `${metrics}\n`
  })
  t.match(lint, { code: 0, stderr: '' }, 'promtool has nothing to say')
  const series = metrics.split('\n').filter((line) => line && !line.startsWith('#'))
  t.ok(series.filter((line) => !line.startsWith('belay_agent_check_')).length <= 70, 'few series')

  // The agent listens on Unix sockets only: systemd lends it a port, as a host's own proxy would.
  for (const host of fleet.hosts) {
    const bridge = [
      'systemd-socket-activate',
      '--listen=9464',
      '/usr/lib/systemd/systemd-socket-proxyd',
      '/run/belay/observe.sock'
    ]
    await host.must(['systemd-run', '--unit=metrics-proxy', '--collect', '--quiet', ...bridge])
  }
  const dir = mkdtempSync(join(tmpdir(), 'belay-prometheus-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const targets = fleet.hosts.map((host) => `${host.address}:9464`)
  const config = `global: { scrape_interval: 1s }
scrape_configs: [{ job_name: belay, static_configs: [{ targets: ${JSON.stringify(targets)} }] }]\n`
  writeFileSync(join(dir, 'prometheus.yml'), config)
  const prometheus = await startCommand(
    fleet.inNetwork([
      'prometheus',
      `--config.file=${dir}/prometheus.yml`,
      `--storage.tsdb.path=${dir}/data`,
      '--web.listen-address=10.77.0.1:9090',
      '--log.level=error'
    ])
  )
  t.teardown(() => prometheus.kill())
  const query = async (expression: string) => {
    const url = `http://10.77.0.1:9090/api/v1/query?query=${encodeURIComponent(expression)}`
    const { stdout } = await fleet.exec(['curl', '-s', url])
    return (JSON.parse(stdout) as { data: { result: { value: [number, string] }[] } }).data.result.map(
      (r) => r.value[1]
    )
  }
  await waitFor(async () => (await query('up == 1')).length === 2, 30_000, 'both hosts scraped')
  t.same(await query('sum(belay_agent_observe_success)'), ['2'])
  t.same(await query('max(belay_agent_profile_generation)'), ['1'])
  t.same(await query('sum(belay_agent_drift)'), ['0'])
})
