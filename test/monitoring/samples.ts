const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
/** How often these hosts are scraped. */
export const INTERVAL = 10 * MINUTE

/** One scrape: families with labels and value. */
export type Scrape = readonly (readonly [family: string, labels: Record<string, string>, value: number])[]

/** When the soak begins; its baseline are the seven days before. */
export const START = Date.parse('2026-03-02T09:20:00Z')
const paths = { before: `/nix/store/${'a'.repeat(32)}-before`, after: `/nix/store/${'b'.repeat(32)}-after` }
export const { after: storePath } = paths

/** What a host differs in from one in which nothing happens. */
export interface Host {
  readonly name: string
  readonly days: number
  /** False while it is off. */
  readonly on?: (at: number) => boolean
  /** False while it is on and nobody scrapes it. */
  readonly scraped?: (at: number) => boolean
  /** More, or other, series of a scrape; null for one that is not there. */
  readonly change?: (scrape: Scrape, at: number) => Scrape
}

/** Every scrape of a host: seven days of baseline, and the soak. */
export function* scrapesOf(host: Host): Generator<readonly [at: number, scrape: Scrape]> {
  const isOn = host.on ?? (() => true)
  let onSeconds = 0
  for (let at = START - 7 * DAY; at <= START + host.days * DAY; at += INTERVAL) {
    if (!isOn(at)) continue
    if (at > START) onSeconds += INTERVAL / 1000
    if (host.scraped?.(at) === false) continue
    const scrape = scrapeOf(at, onSeconds)
    yield [at, host.change?.(scrape, at) ?? scrape]
  }
}

/** Some noise that is the same every time. */
const noise = (at: number) => 1 + 0.1 * Math.sin((at / INTERVAL) * 12.9898 * 43_758.5453)

function scrapeOf(at: number, onSeconds: number): Scrape {
  const system = at < START ? paths.before : paths.after
  const check = (name: string, severity: string, value?: [number, string, string]) =>
    [
      ...['pass', 'warn', 'fail', 'unknown'].map(
        (result) => ['check_result', { check: name, result }, result === 'pass' ? 1 : 0] as const
      ),
      ['check_failing', { check: name, severity }, 0] as const,
      ['check_last_run_timestamp_seconds', { check: name }, at / 1000] as const,
      ...(value
        ? [['check_value', { check: name, unit: value[1], measures: value[2] }, value[0]] as const]
        : [])
    ] as const
  return [
    ['soak_seconds', {}, onSeconds],
    ['soak_available_seconds', {}, onSeconds],
    ['soak_coverage_ratio', {}, 1],
    ['soak_start_timestamp_seconds', {}, (at < START ? START - 30 * DAY : START) / 1000],
    ['baseline_start_timestamp_seconds', {}, at < START ? Number.NaN : (START - 7 * DAY) / 1000],
    ['baseline_end_timestamp_seconds', {}, at < START ? Number.NaN : (START - 5 * MINUTE) / 1000],
    ['profile_generation', {}, at < START ? 41 : 42],
    ['generation_info', { system: 'running', store_path: system }, 1],
    ['generation_info', { system: 'profile', store_path: system }, 1],
    ['reboots_total', { expected: 'true' }, at < START + DAY ? 0 : 1],
    ['reboots_total', { expected: 'false' }, 0],
    ...['critical', 'major', 'minor'].flatMap((severity) =>
      ['none', 'known'].map((workaround) => ['incidents_open', { severity, workaround }, 0] as const)
    ),
    ...check('web', 'critical', [0.2 * noise(at), 'seconds', 'duration']),
    ...check('log', 'minor', [Math.round(5 * noise(at + 7 * INTERVAL)), 'errors', 'count']),
    ...check('flag', 'major')
  ]
}

/** All scrapes in Prometheus' text format, which is OpenMetrics' where times are in seconds. */
export function textOf(hosts: readonly Host[], unit: 'seconds' | 'milliseconds'): string {
  const families = new Map<string, string[]>()
  for (const host of hosts) {
    for (const [at, scrape] of scrapesOf(host)) {
      for (const [family, labels, value] of scrape) {
        const all = { instance: `${host.name}:9464`, job: 'belay', ...labels }
        const text = Object.entries(all).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        const lines = families.get(family) ?? []
        families.set(family, lines)
        const time = unit === 'seconds' ? at / 1000 : at
        lines.push(`belay_agent_${family}{${text.join(',')}} ${value} ${time}`)
      }
    }
  }
  const body = [...families].map(([family, lines]) => {
    const type = family.endsWith('_total') ? 'counter' : 'gauge'
    return `# TYPE belay_agent_${family.replace(/_total$/, '')} ${type}\n${lines.join('\n')}\n`
  })
  return `${body.join('')}${unit === 'seconds' ? '# EOF\n' : ''}`
}
