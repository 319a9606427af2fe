import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Done, Work } from '../../agent/health/history/job.ts'
import { doWork } from '../../agent/health/history/job.ts'
import type { Sample } from '../../shared/api/checks.ts'
import { runCommand } from '../../shared/command.ts'
import type { Evidence } from '../../shared/verdict/evidence.ts'
import { judge, nothingSaid } from '../../shared/verdict/judge.ts'
import { defaultPolicy } from '../../shared/verdict/policy.ts'
import type { Row, Section } from './report.ts'
import { median, percentile, table } from './report.ts'

const CHECKS = 20
/** As the agent does: what has come in five minutes. */
const BATCH_MINUTES = 5
const MINUTE = 60_000
const DAY = 86_400_000
const start = Date.parse('2026-01-01T00:00:00Z')
const names = Array.from({ length: CHECKS }, (_, i) => `check-${i}`)

const samplesFrom = (minute: number): Sample[] =>
  Array.from({ length: BATCH_MINUTES * CHECKS }, (_, i) => ({
    check: names[i % CHECKS] ?? '',
    at: start + (minute + Math.floor(i / CHECKS)) * MINUTE + i,
    result: i % 97 === 0 ? ('fail' as const) : ('pass' as const),
    value: Math.sin(i + minute) * 1000,
    durationMs: i % 50,
    message: 'the check had this to say'
  }))

interface Timed<T> {
  readonly ms: number
  readonly cpuMs: number
  readonly result: T
}

/** Runs something, and tells how long it took, and how much CPU. */
function timed<T>(act: () => T): Timed<T> {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  const result = act()
  const { user, system } = process.cpuUsage(cpu)
  return { ms: performance.now() - began, cpuMs: (user + system) / 1000, result }
}

const repeated = <T>(count: number, act: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => timed(() => act(index)))
const row = (name: string, unit: Row['unit'], belay: number): Row => ({ name, unit, belay, beside: null })
const times = (name: string, runs: readonly Timed<unknown>[]): Row[] => [
  row(`${name}, median`, 'ms', median(runs.map(({ ms }) => ms))),
  row(`${name}, CPU`, 'ms', runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / runs.length)
]

/** What the history of one host costs: 20 checks a minute for so many days. */
export async function historySection(days: number): Promise<Section> {
  const directory = mkdtempSync(join(tmpdir(), 'belay-bench-'))
  try {
    return await measured(join(directory, 'history.sqlite'), days)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measured(file: string, days: number): Promise<Section> {
  const nothing = { verify: false, write: [], tend: false, query: null }
  const work = (more: Partial<Work>): Work => ({
    ...{ file, retention: { days: 35, maxBytes: 128 * 1024 * 1024 }, ...nothing },
    ...more
  })
  const run = (more: Partial<Work>, at = new Date()): Done => doWork(work(more), at)
  const batches = (days * 1440) / BATCH_MINUTES
  const writes = repeated(batches, (i) => run({ write: samplesFrom(i * BATCH_MINUTES) }))
  const bytes = statSync(file).size
  const end = start + days * DAY
  const cut = start + (days * DAY) / 2 + 1234
  const intervals = { baseline: { from: start, to: cut }, soak: { from: cut, to: end } }
  const queries = repeated(15, () => run({ query: { type: 'soak', checks: names, ...intervals } }))
  const evidence = evidenceOf(queries[0]?.result.soak ?? {}, cut, end)
  const verdicts = repeated(15, () => judge(evidence, defaultPolicy, nothingSaid, end))
  const verified = repeated(3, () => run({ verify: true }))
  const tended = repeated(1, () => run({ tend: true }, new Date(end)))
  const processes = await ofProcesses((i) => work({ write: samplesFrom(i * BATCH_MINUTES) }))
  return {
    title: `History of ${days} days, 20 checks a minute`,
    beside: '',
    rows: [
      row('samples', '', days * 1440 * CHECKS),
      row('size on disk', 'MiB', bytes / 2 ** 20),
      row('bytes for each sample', '', bytes / (days * 1440 * CHECKS)),
      ...times(`one write of ${BATCH_MINUTES * CHECKS}`, writes),
      row(
        'one write, p99',
        'ms',
        percentile(
          writes.map(({ ms }) => ms),
          99
        )
      ),
      row('one write with its process, from sources', 'ms', median(processes)),
      ...times('evidence of a soak', queries),
      ...times('verdict on it', verdicts),
      ...times('check of every page', verified),
      ...times('daily tending', tended)
    ]
  }
}

/** The agent writes in a process of its own; it blocks nobody. */
async function ofProcesses(workOf: (index: number) => Work): Promise<number[]> {
  const agent = join(import.meta.dirname, '../../agent/main.ts')
  const all: number[] = []
  for (let i = 0; i < 7; i++) {
    const began = performance.now()
    const argv = [process.execPath, agent, 'history-job']
    const { code, stderr } = await runCommand(argv, { timeoutMs: 60_000, input: JSON.stringify(workOf(i)) })
    if (code !== 0) throw new Error(stderr)
    all.push(performance.now() - began)
  }
  return all
}

function evidenceOf(hours: NonNullable<Done['soak']>, from: number, to: number): Evidence {
  const seconds = Math.floor((to - from) / 1000)
  const store = `/nix/store/${'b'.repeat(32)}-bench`
  return {
    ...{ host: 'cinnabar', profile: 'system', storePath: store, generation: 2, baselinePath: null },
    ...{ startedAt: new Date(from).toISOString(), endedAt: null, asOf: new Date(to).toISOString() },
    ...{ onSeconds: seconds, availableSeconds: seconds, expectedSamples: 1, receivedSamples: 1 },
    ...{ gaps: [], reboots: [], agentRestarts: 0, rollbacks: 0, manualSwitches: 0, incidents: [] },
    checks: names.map((name) => ({
      ...{ name, severity: 'major', measures: 'duration', unit: 'seconds', failedInBaseline: false },
      ...{ baseline: hours[name]?.baseline ?? [], soak: hours[name]?.soak ?? [], failingSince: null }
    }))
  }
}

if (import.meta.main) console.log(table([await historySection(14)]))
