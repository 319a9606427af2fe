import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import type { RunningCommand } from '../../shared/command.ts'
import { startCommand } from '../../shared/command.ts'
import type { Fleet } from './fleet.ts'

const shipped = resolve(import.meta.dirname, '../../docs/monitoring')

/** A unit of a generation: the agent listens on Unix sockets only, systemd lends it a port, as a host's own proxy would. */
export const metricsProxy = {
  'metrics-proxy.service': `[Service]
ExecStart=/usr/bin/systemd-socket-activate --listen=9464 /usr/lib/systemd/systemd-socket-proxyd /run/belay/observe.sock
[Install]
WantedBy=multi-user.target
`
} as const

interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly { readonly for?: string }[] }[]
}

const unit = { s: 1, m: 60, h: 3600 } as const

/** The shipped alerts with every `for` a 120th of itself, and nothing else changed. */
export function shortenedAlerts(): string {
  const { groups } = parse(readFileSync(join(shipped, 'alerts.yml'), 'utf8')) as Rules
  const shortened = groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => {
      if (rule.for === undefined) return rule
      const [, count, of] = /^(\d+)([smh])$/.exec(rule.for) ?? []
      if (of === undefined) throw new Error(`for: ${rule.for}`)
      return { ...rule, for: `${Math.ceil((Number(count) * unit[of as keyof typeof unit]) / 120)}s` }
    })
  }))
  return stringify({ groups: shortened })
}

/** Where the fleet's Prometheus answers. */
export const prometheusUrl = 'http://10.77.0.1:9090'

/** A real Prometheus in the fleet's network with the shipped rules; scrapes every host at this interval. */
export async function startPrometheus(
  fleet: Fleet,
  directory: string,
  {
    interval,
    remoteWrite,
    tls
  }: {
    readonly interval: string
    readonly remoteWrite?: string
    /** How the agents' own listeners are scraped as well; files count from the directory. */
    readonly tls?: Readonly<Record<string, string>>
  }
): Promise<RunningCommand> {
  copyFileSync(join(shipped, 'recording.yml'), join(directory, 'recording.yml'))
  writeFileSync(join(directory, 'alerts.yml'), shortenedAlerts())
  const targets = fleet.hosts.map((host) => ({
    targets: [`${host.address}:9464`],
    labels: { instance: host.name }
  }))
  const config = {
    global: { scrape_interval: interval, evaluation_interval: '1s' },
    rule_files: ['recording.yml', 'alerts.yml'],
    scrape_configs: [{ job_name: 'belay', static_configs: targets }, ...(tls ? [overTls(fleet, tls)] : [])],
    ...(remoteWrite === undefined ? {} : { remote_write: [{ url: remoteWrite }] })
  }
  writeFileSync(join(directory, 'prometheus.yml'), stringify(config))
  return await startCommand(
    fleet.inNetwork([
      ...['prometheus', `--config.file=${directory}/prometheus.yml`, `--storage.tsdb.path=${directory}/data`],
      ...['--web.listen-address=10.77.0.1:9090', '--log.level=error']
    ])
  )
}

/** Scraped twice, nothing of it may count twice: one family is kept. */
const keep = { source_labels: ['__name__'], regex: 'belay_agent_build_info', action: 'keep' }
const overTls = (fleet: Fleet, tls_config: Readonly<Record<string, string>>) => ({
  ...{ job_name: 'belay-tls', scheme: 'https', tls_config, metric_relabel_configs: [keep] },
  static_configs: fleet.hosts.map((host) => ({
    targets: [`${host.address}:9465`],
    labels: { instance: host.name }
  }))
})
