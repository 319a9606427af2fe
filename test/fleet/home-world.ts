import { join } from 'node:path'
import type { Home } from './generation.ts'
import { writeHomes } from './generation.ts'
import type { Host } from './host.ts'

/** Makes users with homes of home-manager on a host; the first of each is activated by hand, as people do. */
export class HomeWorld {
  readonly #host: Host
  readonly #paths = new Map<string, string>()

  constructor(host: Host) {
    this.#host = host
  }

  sh(script: string, timeoutMs = 60_000): Promise<string> {
    return this.#host.must(['sh', '-c', script], { timeoutMs })
  }

  /** Runs a script as a user, as a login would. */
  as(user: string, script: string): Promise<string> {
    return this.#host.must(['su', '-', user, '-c', script])
  }

  /** Builds homes on the host, by the names of their configurations. */
  async build(homes: Readonly<Record<string, Home>>): Promise<void> {
    writeHomes(join(this.#host.root, 'root/homes'), homes)
    const flake = 'path:/root/homes#homeConfigurations'
    const attributes = Object.keys(homes).map((name) => `${flake}.${name}.activationPackage`)
    await this.#host.must(['nix', 'build', '--no-link', '--no-write-lock-file', ...attributes])
    // Several that are built at once are printed in no order.
    const paths = 'builtins.mapAttrs (_: home: home.activationPackage.outPath)'
    const said = await this.#host.must([
      'nix',
      'eval',
      '--json',
      '--no-write-lock-file',
      flake,
      '--apply',
      paths
    ])
    for (const [name, path] of Object.entries(JSON.parse(said) as Record<string, string>))
      this.#paths.set(name, path)
  }

  /** Store path of a home. */
  path(name: string): string {
    const found = this.#paths.get(name)
    if (found === undefined) throw new Error(`no home ${name}`)
    return found
  }

  /** Adds a user whose profiles are in the home, or in the old place below /nix/var. */
  async addUser(user: string, profiles: 'home' | 'global', first: string): Promise<void> {
    const global = `/nix/var/nix/profiles/per-user/${user}`
    await this.sh(`useradd --create-home --shell /bin/bash --groups nix-users ${user}`)
    if (profiles === 'global') await this.sh(`install -d -o ${user} ${global}`)
    else await this.as(user, 'mkdir -p ~/.local/state/nix/profiles')
    const profile = this.profile(user, profiles)
    await this.as(user, `nix-env --profile ${profile} --set ${this.path(first)}`)
    await this.as(user, `${this.path(first)}/activate --driver-version 1`)
  }

  /** Keeps the user's service manager without a session, and waits until it has started all of its own. */
  async linger(user: string, uid: number): Promise<void> {
    await this.sh(`touch /var/lib/systemd/linger/${user}; systemctl start user@${uid}`)
    await this.as(user, 'systemctl --user is-system-running --wait || :')
  }

  profile(user: string, profiles: 'home' | 'global'): string {
    const folder =
      profiles === 'home'
        ? `/home/${user}/.local/state/nix/profiles`
        : `/nix/var/nix/profiles/per-user/${user}`
    return `${folder}/home-manager`
  }

  /** What a home is, read from its files and not from the agent. */
  async truth(user: string, profiles: 'home' | 'global') {
    const read = async (script: string) => (await this.#host.run(['sh', '-c', script])).stdout.trim()
    const units = `'belay-home-${user}*' 'belay-operation-home-${user}*' 'belay-guard-*'`
    const left = () => read(`systemctl list-units ${units} --plain --no-legend`)
    // The end is written before it is tidied up.
    await this.#host.waitFor(async () => (await left()) === '', 'no unit of an operation')
    const links = await read(
      `cd /home/${user} && find . -lname '/nix/store/*-home-manager-files/*' -printf '%P -> %l\\n' | sort`
    )
    return {
      profile: await read(`readlink -f ${this.profile(user, profiles)}`),
      current: await read(`readlink -f /home/${user}/.local/state/home-manager/gcroots/current-home`),
      links: links.split('\n').filter(Boolean),
      strangers: await read(`find /home/${user} ! -user ${user} | head`)
    }
  }

  /** Begins an activation and gives its identity. */
  async begin(user: string, name: string, ...options: readonly string[]): Promise<string> {
    const argv = ['belay-agent', '--json', 'activate', '--profile', `home:${user}`, '--no-follow', ...options]
    const accepted = await this.#host.must([...argv, this.path(name)])
    return (JSON.parse(accepted) as { id: string }).id
  }

  /** Resolves when an operation is in a phase. */
  async reach(id: string, ...phases: readonly string[]): Promise<{ code: string | null; reason: string }> {
    let last = { phase: '', code: null, reason: '' }
    await this.#host
      .waitFor(
        async () => {
          last = JSON.parse(await this.get(`/v1/operations/${id}`))
          return phases.includes(last.phase)
        },
        `${id} in ${phases.join(' or ')}`
      )
      .catch((error: unknown) => {
        throw new Error(`${last.phase}: ${last.reason}`, { cause: error })
      })
    return last
  }

  /** What the agent answers to who may look. */
  get(path: string): Promise<string> {
    const socket = ['--unix-socket', '/run/belay/observe.sock']
    return this.#host.must(['curl', '--silent', '--fail', ...socket, `http://agent${path}`])
  }
}
