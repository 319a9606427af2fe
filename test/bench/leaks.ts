import { join } from 'node:path'
import { applyAllowed } from '../../controller/leaks/allow.ts'
import { scanPaths } from '../../controller/leaks/scan-closure.ts'
import { startFleet } from '../fleet/fleet.ts'
import { fleetUnavailable } from '../fleet/root.ts'
import { median } from './report.ts'

/**
 * The leak scan beside `nix copy` of the same store paths: what Debian packages have in `/usr` and `/etc`, in the order of the
 * names divided into 2,000 folders, each of which becomes a store path. Fails at a false alarm, and where the scan is slower.
 */
const unavailable = fleetUnavailable()
if (unavailable) {
  console.error(`no host here: ${unavailable}`)
  process.exit(1)
}
const PATHS = 2000
const ROUNDS = 3
const LONG = { timeoutMs: 600_000 }
/** Names stay as they are: what is known to be published is known by them. */
const divide = `set -eu
mkdir -p /root/corpus && cd /
find usr etc -xdev -type f | LC_ALL=C sort | awk -v paths=${PATHS} '
  { files[NR] = $0 }
  END { for (i = 1; i <= NR; i++) printf "%04d\\t%s\\n", int((i - 1) * paths / NR), files[i] }' |
  while IFS="$(printf '\\t')" read -r number file; do
    mkdir -p "/root/corpus/part-$number/\${file%/*}"
    cp "$file" "/root/corpus/part-$number/$file"
  done
ls -d /root/corpus/* | xargs nix-store --add > /root/paths
rm -r /root/corpus
cat /root/paths`

await using fleet = await startFleet({ hosts: [], operator: true })
const { operator } = fleet
const paths = (await operator.must(['bash', '-c', divide], LONG)).trim().split('\n')
const timed = async <T>(work: () => Promise<T>) => {
  const began = performance.now()
  const result = await work()
  return { seconds: (performance.now() - began) / 1000, result }
}
const here = paths.map((path) => join(operator.root, path))
const scan = () => scanPaths(here, new AbortController().signal)
const copy = (to: string) => () =>
  operator.must(['nix', 'copy', '--to', to, '--stdin'], { ...LONG, input: `${paths.join('\n')}\n` })
const { result } = await timed(scan)
const found = result.found.map((leak) => ({ ...leak, path: leak.path.slice(operator.root.length) }))
const { leaks, allowed } = applyAllowed(found, [])
const rows = { scan: [] as number[], plain: [] as number[] }
for (let round = 0; round < ROUNDS; round++) {
  rows.scan.push((await timed(scan)).seconds)
  rows.plain.push((await timed(copy(`file:///root/plain-${round}?compression=none`))).seconds)
}
const [scanned, copied] = [median(rows.scan), median(rows.plain)]
const line = (name: string, seconds: number) =>
  console.log(`  ${name.padEnd(40)} ${seconds.toFixed(2)} s   ${(seconds / scanned).toFixed(1)}`)
console.log(
  `${paths.length} store paths, ${result.files} files, ${Math.round(result.bytes / 1e6)} MB, median of ${ROUNDS}`
)
line('scan', scanned)
line('nix copy to file://, no compression', copied)
console.log(`  ${leaks.length} false alarms; ${allowed.length} published keys let through by their names`)
for (const { path, kind } of leaks) console.log(`  ${kind} in ${path}`)
if (leaks.length > 0 || paths.length < PATHS || scanned >= copied) process.exitCode = 1
