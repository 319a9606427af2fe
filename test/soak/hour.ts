import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startCommand } from '../../shared/command.ts'
import type { Verdict } from '../../shared/verdict/result.ts'
import { belay, realAgent, writeFleetFile } from '../fleet/deployment.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { startFleet } from '../fleet/fleet.ts'
import type { Generation } from '../fleet/generation.ts'
import { metricsProxy, startPrometheus } from '../fleet/watch.ts'

/**
 * A soak in real time, by default of an hour, on four real hosts: one quiet, one with a check that fails from the
 * middle on, one that is switched off for a quarter of the time, one that loses its power without being asked. Prints
 * the verdicts and leaves evidence, pages and Prometheus' data in a directory. Changes nothing on this machine.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    out: { type: 'string', default: '/tmp/belay-soak' }
  }
})
const minutes = Number(values.minutes)
if (!(minutes >= 4)) throw new Error('--minutes wants a number from 4 on')
const out = values.out
mkdirSync(out, { recursive: true })

const every = { schedule: '* * * * *' }
const command = (script: string) => ({ kind: 'command', argv: ['sh', '-c', script], ...every })
const checks = {
  units: { kind: 'failed-units', ...every },
  flag: { ...command('test ! -e /var/lib/broken'), severity: 'critical', votes: false, forSeconds: 120 },
  shell: { ...command('sleep 0.2'), value: 'duration' },
  log: { kind: 'log-errors', ...every },
  store: { kind: 'disk', path: '/nix/store', ...every },
  memory: { kind: 'memory', ...every },
  load: { kind: 'load', warn: null, ...every },
  ssh: { kind: 'tcp', host: '127.0.0.1', port: 22, ...every }
}
const generation = (label: string): Generation => ({
  generation: label,
  agent: 'bundle',
  agentConfig: { checks },
  units: metricsProxy
})
const hosts = ['cinnabar', 'electrum', 'galena', 'stibnite']
const all = (label: string) => Object.fromEntries(hosts.map((name) => [name, generation(label)]))

const begun = Date.now()
const say = (text: string) =>
  console.log(`${((Date.now() - begun) / 60_000).toFixed(1).padStart(5)} min  ${text}`)

async function watch(fleet: Fleet) {
  const victoria = ['victoria-metrics', `-storageDataPath=${out}/victoria`, '-httpListenAddr=10.77.0.1:8428']
  const remoteWrite = 'http://10.77.0.1:8428/api/v1/write'
  return [
    await startCommand(fleet.inNetwork(victoria)),
    await startPrometheus(fleet, out, { interval: '15s', remoteWrite })
  ]
}

async function judge(fleet: Fleet): Promise<void> {
  for (const { name } of fleet.hosts) {
    const { code, stdout, stderr } = await belay(fleet, 'verdict', name, '--html', `/root/${name}.html`)
    console.log(`${stdout}${stderr}(exit code ${code})\n`)
    const evidence = await fleet.host(name).must(['belay-agent', '--json', 'soak', '--evidence'])
    writeFileSync(join(out, `${name}.json`), evidence)
    writeFileSync(join(out, `${name}.html`), await fleet.operator.must(['cat', `/root/${name}.html`]))
  }
  console.log((await belay(fleet, 'soak')).stdout)
}

/** What happens at which part of the time. */
const story: [number, string, (fleet: Fleet) => Promise<unknown>][] = [
  [
    0.3,
    'galena is switched off by somebody who is logged in',
    (fleet) => fleet.operator.run(['ssh', 'root@galena', 'systemctl', 'poweroff'])
  ],
  [
    0.5,
    'the check flag fails on electrum from now on',
    (fleet) => fleet.host('electrum').must(['touch', '/var/lib/broken'])
  ],
  [
    0.55,
    'galena is switched on',
    async (fleet) => {
      await fleet.host('galena').whenOff()
      await fleet.host('galena').boot()
    }
  ],
  [
    0.7,
    'stibnite loses its power, and boots',
    async (fleet) => {
      await fleet.host('stibnite').powerCut()
      await fleet.host('stibnite').boot()
    }
  ]
]

await using fleet = await startFleet({
  hosts,
  operator: true,
  agent: realAgent(),
  generations: all('before')
})
const programs = await watch(fleet)
writeFleetFile(fleet, 60)
say('four hosts run; five minutes of baseline')
await delay(Math.min(5, minutes / 4) * 60_000)
fleet.writeGenerations(all('after'))
const deploy = await belay(fleet, 'deploy')
say(`deployed: ${deploy.code === 0 ? 'all hosts are in soak' : deploy.stdout + deploy.stderr}`)
const start = Date.now()
for (const [part, text, act] of story) {
  await delay(Math.max(0, start + part * minutes * 60_000 - Date.now()))
  say(text)
  await act(fleet)
}
await delay(Math.max(0, start + minutes * 60_000 - Date.now()))
say('the time is over')
await judge(fleet)
// What an hour cannot have is given up in writing; what is left is what the hour showed.
const verdict = JSON.parse((await belay(fleet, '--json', 'verdict', 'cinnabar')).stdout) as Verdict
for (const { name } of verdict.criteria.filter(({ outcome }) => outcome === 'inconclusive')) {
  const reason = ['--by', 'ada', '--reason', 'an hour is all there is']
  await belay(fleet, 'verdict', 'waive', 'cinnabar', name, ...reason)
}
console.log((await belay(fleet, 'verdict', 'cinnabar')).stdout)
for (const program of programs) await program.kill()
