import { setTimeout as delay } from 'node:timers/promises'
import { realAgent } from '../fleet/deployment.ts'
import { startFleet } from '../fleet/fleet.ts'
import type { Host } from '../fleet/host.ts'
import { waitFor } from '../fleet/host.ts'
import type { Memory } from './outside.ts'
import { cpuMs, memoryOf } from './outside.ts'
import type { Probes } from './probe.ts'
import { services } from './probe.ts'
import { atMost, median, percentile, table } from './report.ts'

/** How long the agent is watched, in seconds: as many runs of every check as minutes. */
const WATCHED_S = 120
const SCRAPES = 200
const everyMinute = { schedule: '* * * * *' }

/** As a host may have them: six start a program, the others read files or ask a socket. */
const twenty = Object.fromEntries(
  [
    { kind: 'failed-units' },
    { kind: 'service', units: ['ssh.service', 'nix-daemon.socket'] },
    { kind: 'service-restarts', service: 'ssh.service' },
    { kind: 'stuck-jobs' },
    { kind: 'log-errors' },
    { kind: 'command', argv: ['true'], value: 'duration' },
    { kind: 'http', url: 'http://agent/livez', unixSocket: '/run/belay/observe.sock' },
    { kind: 'tcp', host: '127.0.0.1', port: 22 },
    { kind: 'mesh', peers: [{ host: '127.0.0.1' }] },
    ...['/nix/store', '/boot', '/var', '/'].map((path) => ({ kind: 'disk', path })),
    { kind: 'disk', path: '/nix/store', of: 'inodes' },
    { kind: 'gc-roots' },
    { kind: 'memory' },
    { kind: 'load' },
    { kind: 'temperature' },
    { kind: 'drift' },
    { kind: 'unexpected-reboot' }
  ].map((check, i) => [`check-${i}`, { ...check, ...everyMinute }])
)
const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`check-${i}`, { kind: 'load' }]))

async function scrapes(host: Host): Promise<Probes['scrapes']> {
  const argv = ['/opt/belay/node', '/opt/belay/checkout/test/bench/probe.ts', 'scrapes', String(SCRAPES)]
  return JSON.parse(await host.must(argv, { timeoutMs: 120_000 })) as Probes['scrapes']
}

/** While none of its checks runs a program. */
async function memory(host: Host, unit: string): Promise<Memory> {
  let found: Memory | undefined
  await waitFor(() => {
    found = memoryOf(host, unit)
    return true
  }, `${unit} alone`)
  return found ?? { rss: 0, anonymous: 0 }
}

const generation = (checks: object) => ({ generation: 'bench', agent: 'bundle', agentConfig: { checks } })

await using fleet = await startFleet({
  hosts: ['cinnabar', 'electrum'],
  agent: realAgent(),
  generations: { cinnabar: generation(twenty), electrum: generation(fifty) }
})
const [busy, wide] = [fleet.host('cinnabar'), fleet.host('electrum')]
for (const name of Object.keys(fifty)) await wide.run(['belay-agent', 'check', 'run', name])
await wide.must(['systemctl', 'start', services.exporter.unit])
/** Of the process alone, by its own telling: the unit also has what writes the history now and then. */
async function cpuSpent(): Promise<number[]> {
  const ours = ['--unix-socket', '/run/belay/observe.sock', 'http://agent/metrics']
  const told = [ours, ['http://127.0.0.1:9100/metrics']].map(async (from) => {
    const text = await wide.must(['curl', '-sf', ...from])
    return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) * 1000
  })
  return await Promise.all(told)
}
await scrapes(wide) // Node has compiled what is run often
const spentBefore = await cpuSpent()
const asked = await scrapes(wide)
const spent = await cpuSpent()
const [ours = 0, theirs = 0] = spent.map((ms, i) => (ms - (spentBefore[i] ?? 0)) / SCRAPES)
await busy.must(['systemctl', 'start', services.exporter.unit])
await delay(30_000)
const units = [services.belay.unit, services.exporter.unit]
const cpu = () => [...units.map((unit) => cpuMs(busy, unit)), cpuMs(busy)]
const before = cpu()
await delay(WATCHED_S * 1000)
const [belay = 0, exporter = 0, all = 0] = cpu().map((ms, i) => (ms - (before[i] ?? 0)) / (WATCHED_S * 10))
const [mine, its] = [await memory(busy, services.belay.unit), await memory(busy, services.exporter.unit)]
const ms = (of: typeof asked.belay) => ({ median: median(of.ms), p99: percentile(of.ms, 99) })
const [scraped, beside] = [ms(asked.belay), ms(asked.exporter)]
console.log(
  table([
    {
      title: `20 checks a minute for ${WATCHED_S} s`,
      beside: 'node_exporter',
      rows: [
        { name: 'CPU of the unit, of one', unit: '%', belay, beside: exporter, aim: atMost(belay, 1, '%') },
        { name: 'CPU of the whole host, with systemd', unit: '%', belay: all, beside: null },
        { name: 'RSS', unit: 'MiB', belay: mine.rss, beside: its.rss, aim: atMost(mine.rss, 90, 'MiB') },
        { name: 'anonymous', unit: 'MiB', belay: mine.anonymous, beside: its.anonymous }
      ]
    },
    {
      title: `A scrape with 50 checks, of ${SCRAPES}`,
      beside: 'node_exporter',
      rows: [
        { name: 'CPU time', unit: 'ms', belay: ours, beside: theirs, aim: atMost(ours, 5, 'ms') },
        { name: 'median', unit: 'ms', belay: scraped.median, beside: beside.median },
        { name: 'p99', unit: 'ms', belay: scraped.p99, beside: beside.p99 },
        { name: 'series', unit: '', belay: asked.belay.series, beside: asked.exporter.series }
      ]
    }
  ])
)
