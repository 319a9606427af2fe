import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { belay, realAgent, truthOf, writeFleetFile } from '../fleet/deployment.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { startFleet } from '../fleet/fleet.ts'
import { cpuMs } from './outside.ts'
import { median } from './report.ts'

/** How often each way is gone, in turns. */
const ROUNDS = Number(process.argv[2] ?? 3)

const names = ['cinnabar', 'electrum', 'galena', 'scheelite', 'stibnite', 'blackphos', 'rosegold', 'argentum']

/** As a person would: copies to one host after the other and switches it. Nothing is proven, nothing comes back. */
const loop = `set -eu
while read -r host path; do
  nix copy --no-check-sigs --to "ssh-ng://root@$host" "$path" </dev/null
  ssh -n "root@$host" "nix-env -p /nix/var/nix/profiles/system --set $path && $path/bin/switch-to-configuration switch" >/dev/null 2>&1
done < /root/paths
`

const ways = ['plain loop', 'belay deploy, one at a time', 'belay deploy, eight at a time'] as const
type Way = (typeof ways)[number]

/** Seconds: by the clock, and of CPU of what was typed with all that it started, and of the eight hosts. */
interface Cost {
  readonly time: number
  readonly controller: number
  readonly hosts: number
}

/** CPU seconds of all programs that this one has started and that have ended. In hundredths of a second, proc(5). */
function ofChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) / 100
}

const cpuOf = (fleet: Fleet) => ({
  controller: ofChildren(),
  hosts: names.reduce((sum, name) => sum + cpuMs(fleet.host(name)) / 1000, 0)
})

async function measure(fleet: Fleet, way: Way, paths: ReadonlyMap<string, string>): Promise<Cost> {
  const lines = [...paths].map(([name, path]) => `${name} ${path}\n`).join('')
  writeFileSync(join(fleet.operator.root, 'root/paths'), lines)
  const given = [...paths].flatMap(([name, path]) => ['--path', `${name}=${path}`])
  const parallel = way === 'belay deploy, one at a time' ? '1' : '8'
  const before = cpuOf(fleet)
  const began = performance.now()
  const { code, stdout, stderr } =
    way === 'plain loop'
      ? await fleet.operator.run(['sh', '/root/loop.sh'], { timeoutMs: 300_000 })
      : // What the loop before it has left is not as Belay left it.
        await belay(fleet, 'deploy', '--no-build', '--over-drift', '--max-parallel', parallel, ...given)
  const time = (performance.now() - began) / 1000
  const after = cpuOf(fleet)
  if (code !== 0) throw new Error(`${way}: exit ${code}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`)
  for (const [name, path] of paths) {
    const { running } = await truthOf(fleet.host(name))
    if (running !== path) throw new Error(`${way}: ${name} runs ${running}`)
  }
  return { time, controller: after.controller - before.controller, hosts: after.hosts - before.hosts }
}

const load = loadavg()[0]?.toFixed(1)
await using fleet = await startFleet({ hosts: names, operator: true, agent: realAgent() })
writeFleetFile(fleet, 60)
writeFileSync(join(fleet.operator.root, 'root/loop.sh'), loop)
const measured = new Map<Way, Cost[]>(ways.map((way) => [way, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, way] of ways.entries()) {
    const generation = `bench-${round}-${i}`
    fleet.writeGenerations(
      Object.fromEntries(
        names.map((name) => [name, { generation, agent: 'bundle', packages: { payload: 1e6 } }])
      )
    )
    const paths = new Map<string, string>()
    for (const name of names) paths.set(name, await fleet.build(name))
    measured.get(way)?.push(await measure(fleet, way, paths))
  }
}
const column = (way: Way, of: keyof Cost) => {
  const seconds = median((measured.get(way) ?? []).map((cost) => cost[of]))
  return `${seconds.toFixed(1)} s`.padStart(12)
}
const rows = ways.map(
  (way) => way.padEnd(32) + column(way, 'time') + column(way, 'controller') + column(way, 'hosts')
)
process.stdout.write(
  [
    `8 hosts, median of ${ROUNDS}`.padEnd(32) +
      ['TIME', 'ITS CPU', 'HOSTS'].map((name) => name.padStart(12)).join(''),
    ...rows,
    `load ${load} before, ${loadavg()[0]?.toFixed(1)} after\n`
  ].join('\n')
)
