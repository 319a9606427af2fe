import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { belay, realAgent, truthOf, writeFleetFile } from '../fleet/deployment.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { startFleet } from '../fleet/fleet.ts'
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

async function measure(fleet: Fleet, way: Way, paths: ReadonlyMap<string, string>): Promise<number> {
  const lines = [...paths].map(([name, path]) => `${name} ${path}\n`).join('')
  writeFileSync(join(fleet.operator.root, 'root/paths'), lines)
  const given = [...paths].flatMap(([name, path]) => ['--path', `${name}=${path}`])
  const parallel = way === 'belay deploy, one at a time' ? '1' : '8'
  const began = performance.now()
  const { code, stdout, stderr } =
    way === 'plain loop'
      ? await fleet.operator.run(['sh', '/root/loop.sh'], { timeoutMs: 300_000 })
      : // What the loop before it has left is not as Belay left it.
        await belay(fleet, 'deploy', '--no-build', '--over-drift', '--max-parallel', parallel, ...given)
  const ended = performance.now()
  if (code !== 0) throw new Error(`${way}: exit ${code}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`)
  for (const [name, path] of paths) {
    const { running } = await truthOf(fleet.host(name))
    if (running !== path) throw new Error(`${way}: ${name} runs ${running}`)
  }
  return (ended - began) / 1000
}

const load = loadavg()[0]?.toFixed(1)
await using fleet = await startFleet({ hosts: names, operator: true, agent: realAgent() })
writeFleetFile(fleet, 60)
writeFileSync(join(fleet.operator.root, 'root/loop.sh'), loop)
const measured = new Map<Way, number[]>(ways.map((way) => [way, []]))
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
const rows = ways.map(
  (way) =>
    `${way.padEnd(32)}${median(measured.get(way) ?? [])
      .toFixed(1)
      .padStart(8)} s`
)
process.stdout.write(
  [
    `${`8 hosts, median of ${ROUNDS}`.padEnd(32)}${'TIME'.padStart(10)}`,
    ...rows,
    `load ${load} before, ${loadavg()[0]?.toFixed(1)} after\n`
  ].join('\n')
)
