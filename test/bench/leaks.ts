import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import type { LeakReport } from '../../controller/leaks/scan-closure.ts'
import { startFleet } from '../fleet/fleet.ts'
import { fleetUnavailable } from '../fleet/root.ts'
import { median } from './report.ts'
import { addCorpus, divide, LONG, packagesIn } from './store-corpus.ts'

/**
 * `belay secrets scan` beside `nix copy` of the same closure: 2,000 store paths, made of what the Debian packages of a host have
 * in `/usr` and `/etc`. Fails at a false alarm, where nothing at all is found, and where the scan is slower.
 */
const unavailable = fleetUnavailable()
if (unavailable) {
  console.error(`no host here: ${unavailable}`)
  process.exit(1)
}
const PATHS = 2000
const ROUNDS = Number(process.argv[2] ?? 3)
const [load] = loadavg()

await using fleet = await startFleet({ hosts: [], operator: true })
const { operator } = fleet
const packages = packagesIn(operator.root)
const closure = await addCorpus(operator, divide(packages, PATHS))
writeFileSync(join(operator.root, 'root/fleet.yaml'), 'version: 1\nhosts: { operator: {} }\n')
// As it is packaged.
const checkout = resolve(import.meta.dirname, '../..')
execFileSync(process.execPath, ['scripts/build.ts', join(operator.root, 'root/dist')], { cwd: checkout })

/** What a command in the host took, on the clock and of the processors, and what it printed. */
async function timed(argv: readonly string[], codes: readonly number[]) {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"'
  const { code, stdout, stderr } = await operator.run(['bash', '-c', script, 'bash', ...argv], LONG)
  const [real = 0, user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  if (code === null || !codes.includes(code) || !(real > 0))
    throw new Error(`${argv.join(' ')} exited with ${code}: ${stderr.slice(-2000)}`)
  return { seconds: real, cpu: user + system, stdout }
}

/** Remembers nothing of the round before. */
async function scan(round: number) {
  const program = ['/opt/belay/node', '/root/dist/belay/belay.js', '--fleet', '/root/fleet.yaml', '--json']
  const argv = ['env', `XDG_CACHE_HOME=/root/cache-${round}`, ...program, 'secrets', 'scan', closure]
  const { stdout, ...took } = await timed(argv, [0, 1])
  const { closures } = JSON.parse(stdout) as { readonly closures: readonly LeakReport[] }
  const [report] = closures
  if (report === undefined) throw new Error('no report')
  return { ...took, report }
}

async function copy(round: number) {
  const to = `/root/copy-${round}`
  const took = await timed(['nix', 'copy', '--to', `file://${to}?compression=none`, closure], [0])
  await operator.must(['rm', '-r', to], LONG)
  return took
}

// Once before, so that all is in memory for both.
await scan(0)
const scans: { seconds: number; cpu: number; report: LeakReport }[] = []
const copies: { seconds: number; cpu: number }[] = []
for (let round = 1; round <= ROUNDS; round++) {
  scans.push(await scan(round))
  copies.push(await copy(round))
}

const last = scans.at(-1)?.report
if (last === undefined) throw new Error('no round')
const { scanned, leaks, allowed } = last
const size = `${scanned.files} files, ${Math.round(scanned.bytes / 1e6)} MB, of ${packages.size} packages`
const busy = `load ${load?.toFixed(1)} before, ${loadavg()[0]?.toFixed(1)} after`
console.log(`${scanned.paths} store paths, ${size}; median of ${ROUNDS}; ${busy}`)
const row = (name: string, ...figures: string[]) =>
  console.log(`  ${name.padEnd(44)}${figures.map((figure) => figure.padStart(10)).join('')}`)
const middle = (values: readonly number[]) => `${median(values).toFixed(2)} s`
const seconds = (all: readonly { seconds: number }[]) => all.map((each) => each.seconds)
const cpu = (all: readonly { cpu: number }[]) => all.map((each) => each.cpu)
row('', 'TIME', 'CPU')
row('belay secrets scan', middle(seconds(scans)), middle(cpu(scans)))
row('  of which the look into the files', middle(seconds(scans.map((each) => each.report.scanned))))
row('nix copy to file://, without compression', middle(seconds(copies)), middle(cpu(copies)))
console.log(`  ${leaks.length} false alarms; let through as published:`)
for (const [line, all] of Map.groupBy(allowed, ({ path, kind, reason }) => `${kind} in ${path}: ${reason}`))
  console.log(`  ${all.length} × ${line}`)
for (const { path, kind, offset } of leaks) console.log(`  ✖ ${kind} in ${path}, byte ${offset}`)
const slower = median(seconds(scans)) >= median(seconds(copies))
if (leaks.length > 0 || allowed.length === 0 || scanned.paths <= PATHS || slower) process.exitCode = 1
