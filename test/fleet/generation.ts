import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What one generation of a host is made of: an entry of the fixture flake's hosts.json. */
export interface Generation {
  /** NixOS label; part of the store path's name. */
  readonly generation: string
  /** Long-running services: name to the body of a shell script. */
  readonly services?: Readonly<Record<string, string>>
  /** Unit files by name (`x.service`, `x.service.d/y.conf`); `WantedBy=` is honoured. */
  readonly units?: Readonly<Record<string, string>>
  /** Store paths that units name; they become part of the closure. */
  readonly references?: readonly string[]
  /** More files of the toplevel by relative path, such as `switch-inhibitors` or `etc/motd`. */
  readonly files?: Readonly<Record<string, string>>
  /** Packages by name with version: so many bytes, or the text of a plain file. */
  readonly packages?: Readonly<Record<string, number | string>>
  /** So many more store paths, of which the last `changed` are of this version and the others of 1.0. */
  readonly bulk?: { readonly paths: number; readonly changed: number; readonly version: string }
  /** The agent's package: `none` (default), `broken` (exits 1 at once), or a version such as `bundle`. */
  readonly agent?: string
  /** Content of /etc/belay/agent.json. */
  readonly agentConfig?: Readonly<Record<string, unknown>>
  /** Has `failing.service`, which exits 1. */
  readonly failingUnit?: boolean
  /** Has `cut-network.service`, which takes host0 down, and up again when it is stopped. */
  readonly cutNetwork?: boolean
  /** The activation (not the one at boot) sleeps before it moves /run/current-system. */
  readonly hangSeconds?: number
  /** The activation (not the one at boot) writes so much to stderr. */
  readonly floodBytes?: number
  /**
   * Exit code of switch-to-configuration, at the place where the real one has it: 1 = a pre-switch check refuses,
   * 2 = `activate` fails, 11 = locked, 100 = before activation. Others when all is done.
   */
  readonly exitCode?: number
  /** The activation leaves a process behind that ignores SIGTERM. */
  readonly forks?: boolean
  /** `switch` and `boot` exit 1 with `Failed to install bootloader`. */
  readonly bootloaderFails?: boolean
  /** Its init exits 1, so that a boot into it ends at once. */
  readonly bootFails?: boolean
  /** Content of `init-interface-version`, default `systemd 2`. Another one makes a switch exit 100. */
  readonly initInterface?: string
  /** Content of `kernel-params`. */
  readonly kernelParams?: string
  /** Which boot loader its `boot` installs; default systemd-boot. */
  readonly bootLoader?: 'systemd-boot' | 'grub'
}

/** What one home of a user is made of: an entry of the fixture flake's homes.json. */
export interface Home {
  readonly user: string
  /** Version of home-manager; makes a generation another one. */
  readonly generation: string
  /** Texts by path in the home; user units are below `.config/systemd/user`. */
  readonly files?: Readonly<Record<string, string>>
  /** Content of `gen-version`; `none` is a generation of before there was one. Default 1. */
  readonly genVersion?: string
  /** The part of the activation that fails, or hangs. */
  readonly failsAt?: HomePart
  readonly hangsAt?: HomePart
}
export type HomePart = 'checkLinkTargets' | 'writeBoundary' | 'linkGeneration' | 'reloadSystemd'

/** Puts the fixture flake into `directory`, for homes by the names of their configurations. */
export function writeHomes(directory: string, homes: Readonly<Record<string, Home>>): void {
  mkdirSync(directory, { recursive: true })
  cpSync(fixture, directory, { recursive: true })
  writeFileSync(join(directory, 'homes.json'), `${JSON.stringify(homes, null, 2)}\n`)
}

/** Content of hosts.json: host name to its next generation. */
export type Generations = Readonly<Record<string, Generation>>

/** The agent that generations with `agent` contain. */
export interface AgentParts {
  /** Directory with `agent.js` (or `main.js`) and its chunks, as `npm run build` makes it. */
  readonly bundle: string
  /** Unit file with `@belay-agent@` for the path of the executable. */
  readonly unit: string
  /** Unit file of the guard of a trial boot. */
  readonly trialUnit: string
}

const fixture = join(import.meta.dirname, '../fixtures/generations')

/** Puts the fixture flake into `directory`, with the agent's parts in place of the stand-ins. */
export function writeFlake(directory: string, generations: Generations, agent?: AgentParts): void {
  mkdirSync(directory, { recursive: true })
  cpSync(fixture, directory, { recursive: true })
  if (agent) {
    writeBundle(directory, agent.bundle)
    cpSync(agent.unit, join(directory, 'belay-agent.service'))
    cpSync(agent.trialUnit, join(directory, 'belay-trial.service'))
  }
  writeHosts(directory, generations)
}

/** Replaces the agent's bundle in the flake. */
export function writeBundle(directory: string, bundle: string): void {
  const target = join(directory, 'agent-bundle')
  rmSync(target, { recursive: true, force: true })
  cpSync(bundle, target, { recursive: true })
}

/** Replaces hosts.json in the flake. */
export function writeHosts(directory: string, generations: Generations): void {
  const file = join(directory, 'hosts.json')
  // In one step: another host may be built at this moment. The new file lies outside, where no build copies it.
  writeFileSync(`${directory}.hosts.json`, `${JSON.stringify(generations, null, 2)}\n`)
  renameSync(`${directory}.hosts.json`, file)
}
