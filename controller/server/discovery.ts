import type { FleetHost } from '../inventory/fleet.ts'

/** One group of targets, as Prometheus' HTTP service discovery takes it. */
export interface Target {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

/** Labels may hold lists between separators, so that a rule can match one word. */
const list = (words: readonly string[]) => (words.length === 0 ? '' : `,${words.join(',')},`)

/** Every host of the fleet at the port asked for; what answers there is not ours to know. */
export function targetsOf(hosts: Iterable<FleetHost>, port: number): Target[] {
  return [...hosts].map(({ name, ssh, platform, roles, tags, presence }) => ({
    targets: [`${ssh.host.includes(':') ? `[${ssh.host}]` : ssh.host}:${port}`],
    labels: {
      __meta_belay_host: name,
      __meta_belay_platform: platform,
      __meta_belay_presence: presence,
      __meta_belay_roles: list(roles),
      __meta_belay_tags: list(tags)
    }
  }))
}
