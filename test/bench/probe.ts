import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { mustRun } from '../../shared/command.ts'

/** What is measured side by side: the unit, and where its metrics are. */
export const services = {
  belay: {
    unit: 'belay-agent.service',
    metrics: { socketPath: '/run/belay/observe.sock', path: '/metrics' }
  },
  exporter: {
    unit: 'prometheus-node-exporter.service',
    metrics: { host: '127.0.0.1', port: 9100, path: '/metrics' }
  }
} as const
export type Service = keyof typeof services
export type PerService<T> = Readonly<Record<Service, T>>
const names = Object.keys(services) as Service[]

/** One start of a service, in milliseconds since systemd began it. */
export interface Start {
  /** Told by the service itself; 0 for one that tells nothing. */
  readonly readyMs: number
  readonly firstScrapeMs: number
  /** CPU time until then. */
  readonly cpuMs: number
}

/** What the scrapes of a service took, and how much it has to tell. */
export interface Scrapes {
  readonly ms: readonly number[]
  readonly series: number
}

const limit = { timeoutMs: 60_000 }
/** As far apart as keeps the host from being busy with nothing but scrapes. */
const PAUSE_MS = 25

function scrape(service: Service, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...services[service].metrics, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`status ${response.statusCode}`))
      )
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** In turns, each over one connection that stays open, as Prometheus does. */
async function scrapes(count: number): Promise<PerService<Scrapes>> {
  const agents = { belay: new Agent({ keepAlive: true }), exporter: new Agent({ keepAlive: true }) }
  const ms: PerService<number[]> = { belay: [], exporter: [] }
  const series = { belay: 0, exporter: 0 }
  for (let i = 0; i < count; i++) {
    for (const name of names) {
      const begun = performance.now()
      const text = await scrape(name, agents[name])
      ms[name].push(performance.now() - begun)
      series[name] = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
      await delay(PAUSE_MS)
    }
  }
  for (const agent of Object.values(agents)) agent.destroy()
  return {
    belay: { ms: ms.belay, series: series.belay },
    exporter: { ms: ms.exporter, series: series.exporter }
  }
}

/** Stops a service and starts it; systemd's own stamps are of the clock that `hrtime` reads. */
async function start(service: Service): Promise<Start> {
  const { unit } = services[service]
  await mustRun(['systemctl', 'stop', unit], limit)
  await delay(500)
  await mustRun(['systemctl', 'start', '--no-block', unit], limit)
  const fresh = new Agent()
  const end = performance.now() + limit.timeoutMs
  while (
    await scrape(service, fresh).then(
      () => false,
      () => true
    )
  ) {
    if (performance.now() > end) throw new Error(`${unit} does not answer`)
    await delay(2)
  }
  const firstScrapeUs = Number(process.hrtime.bigint() / 1000n)
  const stamps = ['InactiveExitTimestampMonotonic', 'ActiveEnterTimestampMonotonic', 'CPUUsageNSec']
  // The first answer may come before the service tells that it is ready.
  await mustRun(['systemctl', 'start', unit], limit)
  const { stdout } = await mustRun(['systemctl', 'show', `--property=${stamps.join()}`, unit], limit)
  const [began = 0, active = 0, cpu = 0] = stamps.map((name) =>
    Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(stdout)?.[1])
  )
  const [readyMs, firstScrapeMs] = [(active - began) / 1000, (firstScrapeUs - began) / 1000]
  return { readyMs, firstScrapeMs, cpuMs: cpu / 1e6 }
}

/** What is typed, beside Node with nothing to do, which no program in Node can beat. */
const typed = {
  nothing: `${process.execPath} -e 0`,
  version: 'belay-agent --version',
  status: 'belay-agent status'
} as const
type Typed = { readonly ms: number; readonly cpuMs: number }

async function type(command: string): Promise<Typed> {
  const script = `TIMEFORMAT='%3R %3U %3S'; time ${command} > /dev/null`
  const { stderr } = await mustRun(['bash', '-c', script], limit)
  const [real = 0, user = 0, system = 0] = stderr.trim().split(' ').map(Number)
  return { ms: real * 1000, cpuMs: (user + system) * 1000 }
}

/** Both services in turns, and the commands. */
async function starts(count: number): Promise<
  PerService<readonly Start[]> & {
    readonly typed: Readonly<Record<keyof typeof typed, readonly Typed[]>>
  }
> {
  const found = { belay: [] as Start[], exporter: [] as Start[] }
  const commands = { nothing: [] as Typed[], version: [] as Typed[], status: [] as Typed[] }
  for (let i = 0; i < count; i++) {
    for (const name of names) found[name].push(await start(name))
    for (const [name, command] of Object.entries(typed))
      commands[name as keyof typeof typed].push(await type(command))
  }
  return { ...found, typed: commands }
}

const programs = { scrapes, starts }
export type Probes = { readonly [K in keyof typeof programs]: Awaited<ReturnType<(typeof programs)[K]>> }

/** Runs inside a host: probe.ts scrapes|starts COUNT. */
if (import.meta.main) {
  const [program, count] = process.argv.slice(2)
  console.log(JSON.stringify(await programs[program as keyof typeof programs](Number(count))))
}
