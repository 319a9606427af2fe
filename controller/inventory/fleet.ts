import { dirname, isAbsolute, resolve } from 'node:path'
import { BelayError } from '../../shared/errors.ts'
import type { Policy } from '../../shared/verdict/policy.ts'
import { resolvePolicy } from '../../shared/verdict/policy.ts'
import type { HostMetrics } from '../monitor/prometheus-schema.ts'
import { metricsOf } from '../monitor/prometheus-schema.ts'
import type { FleetFile, HostEntry } from './schema.ts'
import { didYouMean } from './suggest.ts'
import type { Window } from './window-schema.ts'

const DAY_SECONDS = 86_400

/** How ssh reaches one host, with every default filled in. */
export interface SshConnection {
  readonly host: string
  readonly user: string
  readonly port: number | null
  readonly identityFile: string | null
  readonly options: readonly string[]
  readonly command: readonly string[]
}

/** A home of home-manager on a host. */
export interface FleetHome {
  readonly user: string
  /** Flake and attribute, as `nix build` takes it. */
  readonly installable: string
  /** It moves with the system, as one operation. */
  readonly withSystem: boolean
}

/** One host of the fleet, with every default filled in. */
export interface FleetHost {
  readonly name: string
  readonly platform: 'nixos' | 'darwin'
  /** Flake and attribute, as `nix build` takes it. */
  readonly installable: string
  readonly ssh: SshConnection
  /** Path of the agent's socket on the host. */
  readonly socket: string
  readonly windowSeconds: number
  readonly push: { readonly checkSignatures: boolean; readonly substituteOnHost: boolean }
  readonly homes: readonly FleetHome[]
  readonly roles: readonly string[]
  readonly tags: readonly string[]
  /** How its soaks are judged. */
  readonly soak: Policy
  /** Where its metrics are; null where nothing watches it. */
  readonly metrics: HostMetrics | null
  /** `intermittent`: asleep or away is normal. */
  readonly presence: 'always' | 'intermittent'
  /** Somebody can sit down in front of the host. */
  readonly physicalAccess: boolean
  /** When a rollout may change the host; always when empty. */
  readonly windows: readonly Window[]
  /** Why nothing is activated on the host. */
  readonly hold: string | null
  /** Where the host says how long it is to be watched at least, and why. */
  readonly ownSoak: { readonly seconds: number; readonly reason: string } | null
  /** Keys for which its secrets are encrypted, as they stand in the fleet file. */
  readonly recipients: readonly string[]
}

/** The hosts of a fleet file, in the order of the file. */
export interface Fleet {
  readonly file: string
  readonly hosts: readonly FleetHost[]
}

/** Fills in the defaults of a valid fleet file; `file` is its absolute path. */
export function resolveFleet(content: FleetFile, file: string): Fleet {
  const directory = dirname(file)
  const flake = resolveFlake(content.flake ?? '.', directory)
  const hosts = Object.entries(content.hosts ?? {}).map(([name, entry]): FleetHost => {
    const defaults = content.defaults ?? {}
    const platform = entry.platform ?? defaults.platform ?? 'nixos'
    const push = { checkSignatures: true, substituteOnHost: false, ...defaults.push, ...entry.push }
    return {
      name,
      platform,
      installable: `${flake}#${entry.attribute ?? defaultAttribute(name, platform)}`,
      ssh: resolveSsh(name, { ...defaults.connection?.ssh, ...entry.connection?.ssh }, directory),
      socket: entry.connection?.socket ?? defaults.connection?.socket ?? '/run/belay/operate.sock',
      windowSeconds: entry.confirm?.windowSeconds ?? defaults.confirm?.windowSeconds ?? 120,
      push,
      homes: Object.entries(entry.homes ?? {}).map(([user, home]) => ({
        user,
        installable: `${flake}#${home.attribute ?? `homeConfigurations."${user}@${name}".activationPackage`}`,
        withSystem: home.withSystem ?? false
      })),
      roles: entry.roles ?? [],
      tags: entry.tags ?? [],
      recipients: entry.recipients ?? [],
      soak: resolvePolicy(defaults.soak, entry.soak),
      metrics: metricsOf(content.monitoring ?? {}, name, directory),
      presence: entry.presence ?? defaults.presence ?? 'always',
      physicalAccess: entry.physicalAccess ?? defaults.physicalAccess ?? false,
      windows: entry.windows ?? defaults.windows ?? [],
      hold: entry.hold?.reason ?? null,
      ownSoak:
        entry.soak?.minimumDays === undefined
          ? null
          : { seconds: entry.soak.minimumDays * DAY_SECONDS, reason: entry.soak.reason }
    }
  })
  return { file, hosts }
}

/** The hosts named, in the order of the fleet file; all of them when none is named. */
export function selectHosts(fleet: Fleet, names: readonly string[]): readonly FleetHost[] {
  const known = fleet.hosts.map((host) => host.name)
  for (const name of names) {
    if (known.includes(name)) continue
    const hint = didYouMean(name, known) || `. It has ${known.slice(0, 20).join(', ')}`
    throw new BelayError('invalid-request', `no host ${JSON.stringify(name)} in ${fleet.file}${hint}`, {
      found: name,
      wanted: known
    })
  }
  return names.length === 0 ? fleet.hosts : fleet.hosts.filter((host) => names.includes(host.name))
}

type SshEntry = NonNullable<NonNullable<HostEntry['connection']>['ssh']>

function resolveSsh(name: string, ssh: SshEntry, directory: string): SshConnection {
  const key = ssh.identityFile
  return {
    host: ssh.host ?? name,
    user: ssh.user ?? 'root',
    port: ssh.port ?? null,
    identityFile: key === undefined ? null : key.startsWith('~') ? key : resolve(directory, key),
    options: ssh.options ?? [],
    command: ssh.command ?? ['ssh']
  }
}

/** A path becomes absolute; a URL or a registry name stays as it is. */
export function resolveFlake(flake: string, directory: string): string {
  return flake.startsWith('.') || isAbsolute(flake) ? resolve(directory, flake) : flake
}

function defaultAttribute(name: string, platform: FleetHost['platform']): string {
  const quoted = name.includes('.') || /^[0-9]/.test(name) ? `"${name}"` : name
  if (platform === 'darwin') return `darwinConfigurations.${quoted}.system`
  return `nixosConfigurations.${quoted}.config.system.build.toplevel`
}
