import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { painter, table } from '../../controller/cli/views/text.ts'
import { createEngine } from '../../controller/rollout/engine.ts'
import { openStore } from '../../controller/store/store.ts'
import { planOf } from '../controller/rollout/play.ts'
import { simWorld } from '../controller/rollout/world.ts'

/**
 * The engine, the decisions and the store over simulated agents in this process, through the port that the real ones use:
 * `node test/bench/rollout.ts [HOSTS…]`. What a connection costs is not in it.
 */
const STAGES = 20
const start = Date.parse('2026-03-02T09:00:00Z')

function fleetOf(count: number): string {
  const stages = Array.from({ length: STAGES }, (_, at) => {
    return `    - { name: s${at}, select: { tags: [s${at}] }, maxParallel: ${Math.ceil(count / STAGES / 5)}, soak: 2m }`
  })
  const hosts = Array.from(
    { length: count },
    (_, at) => `  h${at}: { roles: [${at % 3 ? 'web' : 'db'}], tags: [s${at % STAGES}] }`
  )
  const policy = ['  maxParallel: 9999', '  budgets: [{ role: db, maxUnavailable: 5000 }]']
  return ['version: 1', 'rollout:', ...policy, '  stages:', ...stages, 'hosts:', ...hosts, ''].join('\n')
}

/** Wall and CPU milliseconds of a piece of work. */
async function measure<T>(work: () => Promise<T>) {
  const [wall, cpu] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const used = process.cpuUsage(cpu)
  return { result, wall: performance.now() - wall, cpu: (used.user + used.system) / 1000 }
}

async function bench(count: number): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'belay-bench-'))
  try {
    const planned = await measure(async () => planOf(fleetOf(count), start))
    const plan = planned.result
    const world = simWorld(start)
    using store = await openStore(directory)
    store.create(plan, { at: new Date(start).toISOString(), who: 'bench', why: null }, false)
    let peak = 0
    const engine = createEngine(plan.id, {
      store,
      agents: {
        observe: async (host) => world.observe(host),
        start: async (host, request) => {
          const begun = world.start(host, request)
          return { is: 'begun', operation: typeof begun === 'object' ? begun.operation : null }
        },
        follow: async () => {}
      },
      lookAtAlerts: async () => ({ open: true, message: 'nothing fires', firing: [] }),
      lookAtGate: async () => ({ open: true, message: 'open' }),
      holds: async () => new Map(),
      // Never passes by itself: every round sees every host that is due.
      clock: { now: world.now, random: () => 0, sleep: () => new Promise(() => {}) },
      signal: new AbortController().signal,
      who: 'bench',
      pollMs: 60_000,
      maxObserve: 64
    })
    let rounds = 0
    let idle = { wall: 0, cpu: 0, count: 0 }
    const whole = await measure(async () => {
      for (;;) {
        const round = await measure(() => engine.round())
        await engine.settle()
        rounds += 1
        peak = Math.max(peak, process.memoryUsage.rss())
        // A round in which every host was looked at and nothing was to be done.
        if (round.result.learned.length === 0 && round.result.actions.length === 0) {
          idle = { wall: idle.wall + round.wall, cpu: idle.cpu + round.cpu, count: idle.count + 1 }
        }
        if (round.result.status.is === 'done') return
        if (round.result.learned.length === 0) world.to(world.now() + 60_000)
      }
    })
    const status = await measure(async () => [store.views(plan.id), store.records(plan.id)])
    const twice = new Set(world.activations.map(({ host }) => host)).size !== world.activations.length
    if (twice || world.activations.length !== count)
      throw new Error('a host was changed twice, or not at all')
    const ms = (value: number) => `${Math.round(value)} ms`
    return [
      String(count),
      ms(planned.cpu),
      ms(idle.wall / idle.count),
      ms(idle.cpu / idle.count),
      `${((idle.cpu / idle.count / count) * 1000).toFixed(0)} µs`,
      `${(whole.wall / 1000).toFixed(1)} s`,
      `${(whole.cpu / 1000).toFixed(1)} s`,
      String(rounds),
      ms(status.wall),
      `${Math.round(peak / 1024 / 1024)} MiB`,
      `${Math.round(statSync(join(directory, 'rollouts.db')).size / 1024 / 1024)} MiB`
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1000, 10_000]
const heading = [
  'HOSTS',
  'PLAN',
  'ROUND',
  'ITS CPU',
  'PER HOST',
  '20 STAGES',
  'THEIR CPU',
  'ROUNDS',
  'STATUS',
  'PEAK RSS',
  'DATABASE'
]
const rows: { text: string }[][] = []
for (const size of sizes) rows.push((await bench(size)).map((text) => ({ text })))
process.stdout.write(table(heading, rows, painter(false)))
