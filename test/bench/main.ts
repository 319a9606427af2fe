import { availableParallelism, loadavg, totalmem } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { realAgent } from '../fleet/deployment.ts'
import { startFleet } from '../fleet/fleet.ts'
import type { Host } from '../fleet/host.ts'
import type { Pair } from './activations.ts'
import { activationPairs } from './activations.ts'
import { historySection } from './history.ts'
import { cpuMs, memoryOf, sleepsOf } from './outside.ts'
import { planSection, plans } from './plans.ts'
import type { PerService, Probes, Scrapes, Start } from './probe.ts'
import { services } from './probe.ts'
import type { Section } from './report.ts'
import { aimsOf, atMost, median, percentile, table } from './report.ts'

const help = `npm run bench [-- OPTION...]

Boots a real host and measures Belay on it, side by side with prometheus-node-exporter and with a switch made by hand.
It judges nothing by itself: an aim that is missed is printed, and the exit code is 0. 1: it could not measure.

  --quick   fewer repetitions and a shorter idle time: for a first look
  --json    print all figures as JSON (use npm run --silent)
  --help    this text`

/** How often and how long. Seconds of idling, scrapes of each exporter, starts, pairs of activations, plans, days. */
const full = { idleSeconds: 60, scrapes: 240, starts: 7, pairs: 9, plans: 15, days: 14 }
const quick = { idleSeconds: 10, scrapes: 240, starts: 5, pairs: 5, plans: 7, days: 2 }

const say = (text: string) => process.stderr.write(`${text}\n`)

/** A program of probe.ts, run on the host. */
async function probe<P extends keyof Probes>(host: Host, program: P, count: number): Promise<Probes[P]> {
  const argv = ['/opt/belay/node', '/opt/belay/checkout/test/bench/probe.ts', program, String(count)]
  return JSON.parse(await host.must(argv, { timeoutMs: 10 * 60_000 })) as Probes[P]
}

const each = <T>(measure: (unit: string) => T): PerService<T> => ({
  belay: measure(services.belay.unit),
  exporter: measure(services.exporter.unit)
})

/** Node gives memory back some eight seconds after the last scrape. That is not idling yet. */
const REST_MS = 15_000

/** What both services do while nobody asks them anything: per cent of one CPU, and wake-ups in a second. */
async function idle(host: Host, seconds: number) {
  await delay(REST_MS)
  const look = () => each((unit) => ({ cpu: cpuMs(host, unit), sleeps: sleepsOf(host, unit) }))
  const before = look()
  const began = performance.now()
  await delay(seconds * 1000)
  const [after, ms] = [look(), performance.now() - began]
  const of = (name: 'belay' | 'exporter') => ({
    cpuPercent: (100 * (after[name].cpu - before[name].cpu)) / ms,
    wakeUps: (1000 * (after[name].sleeps - before[name].sleeps)) / ms
  })
  return { belay: of('belay'), exporter: of('exporter') }
}

async function measure(often: typeof full) {
  say('Booting a host and an operator.')
  await using fleet = await startFleet({ hosts: ['cinnabar'], operator: true, agent: realAgent() })
  const host = fleet.host('cinnabar')
  await host.must(['systemctl', 'start', services.exporter.unit])
  say(`Starting both services ${often.starts} times.`)
  const starts = await probe(host, 'starts', often.starts)
  const memoryAtStart = each((unit) => memoryOf(host, unit))
  say(`Scraping both ${often.scrapes} times.`)
  const scrapes = await probe(host, 'scrapes', often.scrapes)
  const memory = each((unit) => memoryOf(host, unit))
  say(`Watching both idle for ${often.idleSeconds} s.`)
  const idling = await idle(host, often.idleSeconds)
  say(`Switching ${often.pairs + 1} times through Belay and as often by hand.`)
  const { pairs, lapses } = await activationPairs(fleet, host, often.pairs)
  const memoryAfterwards = each((unit) => memoryOf(host, unit))
  say(`Planning a generation of 2,000 store paths ${often.plans} times.`)
  const planned = await plans(fleet, host, often.plans)
  const memoryAfterPlans = memoryOf(host, services.belay.unit)
  return {
    ...{
      starts,
      memoryAtStart,
      scrapes,
      memory,
      idling,
      pairs,
      lapses,
      memoryAfterwards,
      planned,
      memoryAfterPlans
    }
  }
}
type Measured = Awaited<ReturnType<typeof measure>>

function memorySection({ memoryAtStart, memory, memoryAfterwards }: Measured, scrapes: number): Section {
  const row = (name: string, of: Measured['memory'], key: 'rss' | 'anonymous') =>
    ({ name, unit: 'MiB', belay: of.belay[key], beside: of.exporter[key] }) as const
  return {
    title: 'Memory',
    beside: 'node_exporter',
    rows: [
      row('RSS, just started', memoryAtStart, 'rss'),
      row('anonymous, just started', memoryAtStart, 'anonymous'),
      { ...row(`RSS after ${scrapes} scrapes`, memory, 'rss'), aim: atMost(memory.belay.rss, 80, 'MiB') },
      {
        ...row(`anonymous after ${scrapes} scrapes`, memory, 'anonymous'),
        aim: atMost(memory.belay.anonymous, 25, 'MiB')
      },
      row('RSS after the activations', memoryAfterwards, 'rss'),
      row('anonymous after the activations', memoryAfterwards, 'anonymous')
    ]
  }
}

function idleSection({ idling: { belay, exporter } }: Measured, seconds: number): Section {
  const aim = { text: '< 0.05 %', met: belay.cpuPercent < 0.05 }
  return {
    title: `Idle for ${seconds} s`,
    beside: 'node_exporter',
    rows: [
      { name: 'CPU, of one', unit: '%', belay: belay.cpuPercent, beside: exporter.cpuPercent, aim },
      { name: 'wake-ups', unit: '/s', belay: belay.wakeUps, beside: exporter.wakeUps }
    ]
  }
}

function startSection({ starts }: Measured): Section {
  const of = (values: readonly Start[], key: keyof Start) => median(values.map((value) => value[key]))
  const cpuOf = (name: keyof typeof starts.typed) => median(starts.typed[name].map(({ cpuMs }) => cpuMs))
  const ready = of(starts.belay, 'readyMs')
  const both = (name: string, key: keyof Start) =>
    ({ name, unit: 'ms', belay: of(starts.belay, key), beside: of(starts.exporter, key) }) as const
  const alone = (name: string, belay: number) => ({ name, unit: 'ms', belay, beside: null }) as const
  const nothing = median(starts.typed.nothing.map(({ ms }) => ms))
  return {
    title: `Start, median of ${starts.belay.length}`,
    beside: 'node_exporter',
    rows: [
      {
        ...alone('until it says that it is ready', ready),
        aim: { text: '< 250 ms', met: ready < 250 }
      },
      both('until its first scrape', 'firstScrapeMs'),
      both('CPU time until then', 'cpuMs'),
      alone('node -e 0: what no service in Node beats', nothing),
      alone('CPU time of node -e 0', cpuOf('nothing')),
      alone('CPU time of belay-agent --version', cpuOf('version')),
      alone('CPU time of belay-agent status', cpuOf('status'))
    ]
  }
}

function scrapeSection({ scrapes: { belay, exporter } }: Measured): Section {
  const row = (name: string, of: (values: Scrapes) => number, unit: 'ms' | '') =>
    ({ name, unit, belay: of(belay), beside: of(exporter) }) as const
  return {
    title: `A scrape, of ${belay.ms.length}`,
    beside: 'node_exporter',
    rows: [
      row('median', ({ ms }) => median(ms), 'ms'),
      row('p99', ({ ms }) => percentile(ms, 99), 'ms'),
      row('series', ({ series }) => series, '')
    ]
  }
}

function activationSection({ pairs, lapses }: Measured): Section {
  const of = (value: (pair: Pair) => number) => median(pairs.map(value))
  const [belay, hand] = [of((pair) => pair.belay.ms), of((pair) => pair.hand.ms)]
  const own = of((pair) => pair.belay.ms - pair.hand.ms)
  const percent = (100 * own) / hand
  return {
    title: `Activation, median of ${pairs.length} pairs`,
    beside: 'by hand',
    rows: [
      { name: 'time, accepted to committed', unit: 'ms', belay, beside: hand },
      {
        name: 'CPU time of the whole host',
        unit: 'ms',
        belay: of((pair) => pair.belay.cpuMs),
        beside: of((pair) => pair.hand.cpuMs)
      },
      {
        name: "Belay's own time",
        unit: 'ms',
        belay: own,
        beside: null,
        aim: { text: '≤ 5 % or ≤ 200 ms', met: percent <= 5 || own <= 200 }
      },
      { name: "Belay's own time, of the time by hand", unit: '%', belay: percent, beside: null },
      {
        name: 'end of the window to the baseline',
        unit: 'ms',
        belay: median(lapses),
        beside: of((pair) => pair.hand.switchMs)
      }
    ]
  }
}

/** Where the time of an activation goes. */
function breakdownSection({ pairs }: Measured): Section {
  const phases = Object.keys(pairs[0]?.belay.phases ?? {})
  const of = (value: (pair: Pair) => number) => median(pairs.map(value))
  return {
    title: 'Where it goes',
    beside: 'by hand',
    rows: [
      ...phases.map(
        (phase) =>
          ({
            name: phase,
            unit: 'ms',
            belay: of((pair) => pair.belay.phases[phase] ?? 0),
            beside: null
          }) as const
      ),
      { name: 'nix-env --set', unit: 'ms', belay: null, beside: of((pair) => pair.hand.profileMs) },
      {
        name: 'switch-to-configuration switch',
        unit: 'ms',
        belay: null,
        beside: of((pair) => pair.hand.switchMs)
      }
    ]
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } }
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const often = values.quick ? quick : full
  const machine = {
    cpus: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    loadAfter: 0
  }
  const measured = await measure(often)
  say(`Writing a history of ${often.days} days.`)
  const history = await historySection(often.days)
  // The bench itself is a load of about one.
  machine.loadAfter = loadavg()[0] ?? 0
  const sections = [
    memorySection(measured, often.scrapes),
    idleSection(measured, often.idleSeconds),
    startSection(measured),
    scrapeSection(measured),
    activationSection(measured),
    breakdownSection(measured),
    planSection(measured),
    history
  ]
  const { aims, missed } = aimsOf(sections)
  if (values.json) {
    console.log(JSON.stringify({ machine, often, aims, missed, sections, measured }, null, 2))
    return 0
  }
  const { cpus, memoryGiB, node, loadBefore, loadAfter } = machine
  console.log(`\n${table(sections)}\n`)
  console.log(`${aims - missed} of ${aims} aims met.`)
  console.log(
    `${cpus} CPUs, ${memoryGiB} GiB, Node ${node}; load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after.`
  )
  return 0
}

// So that whatever is to be removed at the end is removed.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
try {
  process.exitCode = await main()
} catch (error) {
  const usage =
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  say(
    usage
      ? `${error.message}\n\n${help}`
      : `could not measure: ${error instanceof Error ? error.stack : error}`
  )
  process.exitCode = usage ? 2 : 1
}
