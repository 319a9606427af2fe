import { join } from 'node:path'
import { scanPaths } from '../../controller/leaks/scan-closure.ts'
import { startFleet } from '../fleet/fleet.ts'
import { fleetUnavailable } from '../fleet/root.ts'
import { median } from './report.ts'

/** The leak scan beside `nix copy` of the same store path: a whole Debian `/usr`. */
const unavailable = fleetUnavailable()
if (unavailable) {
  console.error(`no host here: ${unavailable}`)
  process.exit(1)
}
const ROUNDS = 3
await using fleet = await startFleet({ hosts: [], operator: true })
const { operator } = fleet
const path = (await operator.must(['nix-store', '--add', '/usr'], { timeoutMs: 300_000 })).trim()
const timed = async <T>(work: () => Promise<T>) => {
  const began = performance.now()
  const result = await work()
  return { seconds: (performance.now() - began) / 1000, result }
}
const scan = () => scanPaths([join(operator.root, path)], new AbortController().signal)
const copy = (to: string) => () => operator.must(['nix', 'copy', '--to', to, path], { timeoutMs: 600_000 })
const { result } = await timed(scan)
const rows = { scan: [] as number[], plain: [] as number[] }
for (let round = 0; round < ROUNDS; round++) {
  rows.scan.push((await timed(scan)).seconds)
  rows.plain.push((await timed(copy(`file:///root/plain-${round}?compression=none`))).seconds)
}
const line = (name: string, seconds: number) =>
  console.log(`  ${name.padEnd(40)} ${seconds.toFixed(2)} s   ${(seconds / median(rows.scan)).toFixed(1)}`)
console.log(`${result.files} files, ${Math.round(result.bytes / 1e6)} MB, median of ${ROUNDS}`)
line('scan', median(rows.scan))
line('nix copy to file://, no compression', median(rows.plain))
