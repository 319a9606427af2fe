import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Work } from '../../agent/health/history/job.ts'
import { doWork } from '../../agent/health/history/job.ts'
import type { Sample } from '../../shared/api/checks.ts'
import { runCommand } from '../../shared/command.ts'
import { median, percentile } from './report.ts'

const DAYS = 14
const CHECKS = 20
/** As the agent does: what has come in five minutes. */
const BATCH_MINUTES = 5
const start = Date.parse('2026-01-01T00:00:00Z')

const directory = mkdtempSync(join(tmpdir(), 'belay-bench-'))
const file = join(directory, 'history.sqlite')
const names = Array.from({ length: CHECKS }, (_, i) => `check-${i}`)

const samplesFrom = (minute: number, minutes: number): Sample[] =>
  Array.from({ length: minutes * CHECKS }, (_, i) => ({
    check: names[i % CHECKS] ?? '',
    at: start + (minute + Math.floor(i / CHECKS)) * 60_000 + i,
    result: i % 97 === 0 ? ('fail' as const) : ('pass' as const),
    value: Math.sin(i + minute) * 1000,
    durationMs: i % 50,
    message: 'the check had this to say'
  }))
const work = (more: Partial<Work>): Work => ({
  ...{
    file,
    retention: { days: 35, maxBytes: 128 * 1024 * 1024 },
    verify: false,
    write: [],
    tend: false,
    query: null
  },
  ...more
})

/** Runs something, and tells how long it took, in milliseconds. */
function timed<T>(act: () => T): { readonly ms: number; readonly result: T } {
  const began = performance.now()
  const result = act()
  return { ms: performance.now() - began, result }
}

const lines: [string, string][] = []
const writes: number[] = []
for (let minute = 0; minute < DAYS * 1440; minute += BATCH_MINUTES)
  writes.push(timed(() => doWork(work({ write: samplesFrom(minute, BATCH_MINUTES) }), new Date())).ms)
const perBatch = BATCH_MINUTES * CHECKS
lines.push(['samples', `${DAYS * 1440 * CHECKS} in ${writes.length} writes of ${perBatch}`])
const bytes = statSync(file).size
lines.push([
  'size on disk',
  `${(bytes / 1e6).toFixed(1)} MB, ${(bytes / (DAYS * 1440 * CHECKS)).toFixed(1)} B per sample`
])
lines.push([
  'one write',
  `median ${median(writes).toFixed(2)} ms, p99 ${percentile(writes, 99).toFixed(2)} ms`
])
lines.push(['per sample', `${((1000 * median(writes)) / perBatch).toFixed(1)} µs`])

const end = start + DAYS * 86_400_000
const cut = start + (DAYS / 2) * 86_400_000 + 1234
const query = {
  type: 'soak',
  checks: names,
  baseline: { from: start, to: cut },
  soak: { from: cut, to: end }
} as const
const queries = Array.from({ length: 15 }, () => timed(() => doWork(work({ query }), new Date())))
lines.push(['evidence: query', `median ${median(queries.map(({ ms }) => ms)).toFixed(1)} ms`])
const text = JSON.stringify(queries[0]?.result.soak)
lines.push([
  'evidence: size',
  `${(text.length / 1e6).toFixed(2)} MB of JSON, parsed in ${timed(() => JSON.parse(text)).ms.toFixed(1)} ms`
])
lines.push([
  'check of every page',
  `${timed(() => doWork(work({ verify: true }), new Date())).ms.toFixed(1)} ms`
])
lines.push(['daily tending', `${timed(() => doWork(work({ tend: true }), new Date(end))).ms.toFixed(1)} ms`])

const agent = join(import.meta.dirname, '../../agent/main.ts')
const processes: number[] = []
for (let i = 0; i < 7; i++) {
  const began = performance.now()
  const input = JSON.stringify(work({ write: samplesFrom(i, BATCH_MINUTES) }))
  const { code, stderr } = await runCommand([process.execPath, agent, 'history-job'], {
    timeoutMs: 60_000,
    input
  })
  if (code !== 0) throw new Error(stderr)
  processes.push(performance.now() - began)
}
lines.push([
  'one write, with its process',
  `median ${median(processes).toFixed(0)} ms, from sources; it blocks nobody`
])

for (const [name, value] of lines) console.log(`  ${name.padEnd(30)}${value}`)
rmSync(directory, { recursive: true, force: true })
