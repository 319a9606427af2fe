import type { Fleet, FleetHost } from './fleet.ts'
import { resolveFleet } from './fleet.ts'
import type { ReadFleetFile } from './load.ts'
import type { FleetFile, HostEntry } from './schema.ts'

/** Where a fact comes from, the strongest first. */
export const sourceNames = ['fleet file', 'clan', 'flake', 'defaults', 'built in'] as const
export type SourceName = (typeof sourceNames)[number]

/** What sources besides the fleet file say about hosts. */
export interface OtherSources {
  readonly clan?: ReadonlyMap<string, HostEntry>
  readonly flake?: ReadonlyMap<string, HostEntry>
}

/** One thing that is known of a host, and who said it. */
export interface Fact {
  readonly name: string
  readonly value: unknown
  readonly source: SourceName
}

/** One host: who names it, and every fact. */
export interface InventoryHost {
  readonly name: string
  readonly namedBy: readonly SourceName[]
  readonly facts: readonly Fact[]
}

/** The one list of hosts, and what is odd about it. */
export interface Inventory {
  readonly fleet: Fleet
  readonly hosts: readonly InventoryHost[]
  readonly remarks: readonly string[]
}

/** Merges the sources: the fleet file before the clan before the flake, fact by fact. Lists are not joined. */
export function mergeInventory({ content, file }: ReadFleetFile, others: OtherSources): Inventory {
  const own = new Map(Object.entries(content.hosts ?? {}))
  const layers: Layer[] = [
    { source: 'fleet file', hosts: own },
    ...(others.clan === undefined ? [] : [{ source: 'clan' as const, hosts: others.clan }]),
    ...(others.flake === undefined ? [] : [{ source: 'flake' as const, hosts: others.flake }])
  ]
  const names = [...new Set(layers.flatMap(({ hosts }) => [...hosts.keys()]))]
  const entries = names.map((name) => [name, mergeEntries(layers, name)] as const)
  const fleet = resolveFleet({ ...content, hosts: Object.fromEntries(entries) }, file)
  const hosts = fleet.hosts.map((host) => describe(host, layers, content))
  return { fleet, hosts, remarks: [...lonely(hosts, layers), ...disagreements(names, layers)] }
}

interface Layer {
  readonly source: SourceName
  readonly hosts: ReadonlyMap<string, HostEntry>
}

function mergeEntries(layers: readonly Layer[], name: string): HostEntry {
  const entries = layers.map(({ hosts }) => hosts.get(name) ?? {}).toReversed()
  const ssh = Object.assign({}, ...entries.map(({ connection }) => connection?.ssh))
  const connection = Object.assign({}, ...entries.map(({ connection }) => connection), { ssh })
  return Object.assign({}, ...entries, { connection })
}

/** The facts of a host with the path at which a source says each. */
const factPaths: readonly [string, (host: FleetHost) => unknown, string][] = [
  ['platform', (host) => host.platform, 'platform'],
  ['roles', (host) => host.roles, 'roles'],
  ['tags', (host) => host.tags, 'tags'],
  ['ssh.host', (host) => host.ssh.host, 'connection.ssh.host'],
  ['ssh.user', (host) => host.ssh.user, 'connection.ssh.user'],
  ['ssh.port', (host) => host.ssh.port, 'connection.ssh.port'],
  ['presence', (host) => host.presence, 'presence'],
  ['physicalAccess', (host) => host.physicalAccess, 'physicalAccess'],
  ['windows', (host) => host.windows, 'windows'],
  ['hold', (host) => host.hold, 'hold'],
  ['soak', (host) => host.soak, 'soak'],
  ['installable', (host) => host.installable, 'attribute'],
  ['windowSeconds', (host) => host.windowSeconds, 'confirm.windowSeconds']
]

function describe(host: FleetHost, layers: readonly Layer[], content: FleetFile): InventoryHost {
  const said = (layer: Layer, path: string) => at(layer.hosts.get(host.name), path) !== undefined
  const sourceOf = (path: string): SourceName =>
    layers.find((layer) => said(layer, path))?.source ??
    (at(content.defaults, path) === undefined ? 'built in' : 'defaults')
  return {
    name: host.name,
    namedBy: layers.filter(({ hosts }) => hosts.has(host.name)).map(({ source }) => source),
    facts: [
      ...factPaths.map(([name, value, path]) => ({ name, value: value(host), source: sourceOf(path) })),
      ...host.homes.map(({ user, installable, withSystem }) => ({
        name: `homes.${user}`,
        value: withSystem ? `${installable}, with the system` : installable,
        source: sourceOf('homes')
      }))
    ]
  }
}

/** Hosts that some source does not name. */
function lonely(hosts: readonly InventoryHost[], layers: readonly Layer[]): string[] {
  return hosts.flatMap(({ name, namedBy }) => {
    const silent = layers.filter(({ source }) => !namedBy.includes(source)).map(({ source }) => source)
    if (silent.length === 0) return []
    return [`${name} is named by the ${namedBy.join(' and the ')}, not by the ${silent.join(' nor the ')}`]
  })
}

/** Platforms on which sources do not agree. A wrong one builds the wrong attribute. */
function disagreements(names: readonly string[], layers: readonly Layer[]): string[] {
  return names.flatMap((name) => {
    const said = layers.flatMap(({ source, hosts }) => {
      const platform = hosts.get(name)?.platform
      return platform === undefined ? [] : [{ source, platform }]
    })
    const [first] = said
    const other = said.find(({ platform }) => platform !== first?.platform)
    if (first === undefined || other === undefined) return []
    return [
      `${name} is ${first.platform} for the ${first.source} and ${other.platform} for the ${other.source}; ` +
        `the ${first.source} counts`
    ]
  })
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((v, key) => (v as Record<string, unknown> | undefined)?.[key], value)
}
