import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join, resolve } from 'node:path'
import type { CommandResult } from '../../shared/command.ts'
import { mustRun, runCommand } from '../../shared/command.ts'
import type { AgentParts, Generations } from './generation.ts'
import { writeBundle, writeFlake, writeHosts } from './generation.ts'
import type { FleetParts } from './host.ts'
import { Host } from './host.ts'
import { fleetUnavailable, rootPath } from './root.ts'
import { cgroupsOf, claimDirectory, netnsOf, removeLeftovers } from './teardown.ts'

/** What a fleet consists of. */
export interface FleetOptions {
  /** Names of the managed hosts; `operator` is reserved. */
  readonly hosts: readonly string[]
  /** Also boots `operator`, which builds, copies and reaches every host by ssh. */
  readonly operator?: boolean
  /** First generations. Default: label `baseline`, with the agent when `agent` is given. */
  readonly generations?: Generations
  /** The agent to install; without it the fixture's stand-in. */
  readonly agent?: AgentParts
}

const checkout = resolve(import.meta.dirname, '../..')
const quick = { timeoutMs: 30_000 }

/** Several hosts in a network of their own. Ends with the process that started it, however that ends. */
export class Fleet {
  readonly id: string
  /** Network namespace of the bridge; the bridge itself has 10.77.0.1. */
  readonly netns: string
  readonly hosts: readonly Host[]
  readonly #operator: Host | undefined
  readonly #keeper: ChildProcess
  #generations: Generations

  constructor(
    parts: FleetParts,
    hosts: readonly Host[],
    operator: Host | undefined,
    keeper: ChildProcess,
    generations: Generations
  ) {
    this.id = parts.id
    this.netns = parts.netns
    this.hosts = hosts
    this.#operator = operator
    this.#keeper = keeper
    this.#generations = generations
  }

  /** A managed host by name. */
  host(name: string): Host {
    const host = this.hosts.find((candidate) => candidate.name === name)
    if (!host) throw new Error(`no host ${name} in the fleet`)
    return host
  }

  /** The operator's machine. */
  get operator(): Host {
    if (!this.#operator) throw new Error('the fleet was started without operator')
    return this.#operator
  }

  /** Sets the next generation of the named hosts in the operator's /root/fleet/hosts.json; others keep theirs. */
  writeGenerations(generations: Generations): void {
    this.#generations = { ...this.#generations, ...generations }
    writeHosts(join(this.operator.root, 'root/fleet'), this.#generations)
  }

  /** Replaces the agent's bundle in the operator's flake. */
  writeAgentBundle(bundle: string): void {
    writeBundle(join(this.operator.root, 'root/fleet'), bundle)
  }

  /** Builds the next generation of a host on the operator's machine; returns its store path. */
  async build(host: string): Promise<string> {
    const attribute = `nixosConfigurations."${host}".config.system.build.toplevel`
    const flags = ['--no-link', '--print-out-paths', '--no-write-lock-file']
    return (await this.operator.must(['nix', 'build', `path:/root/fleet#${attribute}`, ...flags])).trim()
  }

  /** Copies a store path, by default the host's next generation, from the operator to the host; returns it. */
  async push(host: string, path?: string): Promise<string> {
    const pushed = path ?? (await this.build(host))
    await this.operator.must(['nix', 'copy', '--no-check-sigs', '--to', `ssh-ng://root@${host}`, pushed])
    return pushed
  }

  /** The command line that runs `argv` on this machine, but in the fleet's network. */
  inNetwork(argv: readonly string[]): string[] {
    return ['nsenter', `--net=/run/netns/${this.netns}`, '--', ...argv]
  }

  /** Runs a program of this machine in the fleet's network. */
  async exec(argv: readonly string[], timeoutMs = 60_000): Promise<CommandResult> {
    return runCommand(this.inNetwork(argv), { timeoutMs })
  }

  /** Ends all hosts and removes every trace. Throws when something is left. */
  async stop(): Promise<void> {
    await endKeeper(this.#keeper)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** The keeper waits for the end of a pipe that only this process holds, then tears the fleet down. */
function startKeeper(id: string): ChildProcess {
  const script = 'trap "" INT TERM HUP; cat > /dev/null; exec "$@"'
  const teardown = [process.execPath, join(import.meta.dirname, 'teardown.ts'), id]
  const keeper = spawn('sh', ['-c', script, 'sh', ...teardown], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    cwd: '/'
  })
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stderr]) (stream as unknown as Socket).unref()
  return keeper
}

async function endKeeper(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null) return
  keeper.ref()
  const said: Buffer[] = []
  keeper.stderr?.on('data', (chunk: Buffer) => said.push(chunk))
  const code = await new Promise<number | null>((done) => {
    keeper.once('close', done)
    keeper.stdin?.end()
  })
  if (code !== 0) throw new Error(`the fleet left traces:\n${Buffer.concat(said)}`)
}

async function makeNetwork(parts: FleetParts): Promise<void> {
  const { netns, bridge } = parts
  await mustRun(['ip', 'netns', 'add', netns], quick)
  const commands = [
    'link set dev lo up',
    `link add ${bridge} type bridge forward_delay 0`,
    `address add 10.77.0.1/16 dev ${bridge}`,
    `link set dev ${bridge} up`
  ]
  await mustRun(['ip', '-n', netns, '-batch', '-'], { ...quick, input: `${commands.join('\n')}\n` })
}

async function newKey(file: string): Promise<string> {
  await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file], quick)
  return readFileSync(`${file}.pub`, 'utf8').trim()
}

/** Writes what makes a host this one: names, addresses, machine id and keys. */
function personalise(host: Host, parts: FleetParts, all: readonly Host[], rootKey: string): void {
  const names = all.map((each) => `${each.address} ${each.name}`).join('\n')
  writeFileSync(join(host.root, 'etc/hosts'), `127.0.0.1 localhost\n::1 localhost\n${names}\n`)
  const machineId = createHash('md5').update(`${parts.id} ${host.name}`).digest('hex')
  writeFileSync(join(host.root, 'etc/machine-id'), `${machineId}\n`)
  for (const end of ['', '.pub']) {
    cpSync(
      join(parts.directory, `${host.name}.key${end}`),
      join(host.root, `etc/ssh/ssh_host_ed25519_key${end}`)
    )
  }
  mkdirSync(join(host.root, 'root/.ssh'), { recursive: true, mode: 0o700 })
  writeFileSync(join(host.root, 'root/.ssh/authorized_keys'), `${rootKey}\n`, { mode: 0o600 })
}

/** Gives the operator the key, the hosts' public keys and the flake. */
function equipOperator(operator: Host, parts: FleetParts, knownHosts: string): void {
  const ssh = join(operator.root, 'root/.ssh')
  cpSync(join(parts.directory, 'operator-root.key'), join(ssh, 'id_ed25519'))
  chmodSync(join(ssh, 'id_ed25519'), 0o600)
  writeFileSync(join(ssh, 'known_hosts'), knownHosts, { mode: 0o600 })
  const config = ['Host *', 'User root', 'IdentityFile /root/.ssh/id_ed25519', 'StrictHostKeyChecking yes']
  writeFileSync(join(ssh, 'config'), `${[...config, 'BatchMode yes', 'ConnectTimeout 5'].join('\n  ')}\n`)
  cpSync(join(parts.directory, 'flake'), join(operator.root, 'root/fleet'), { recursive: true })
}

/** Boots a fleet. Needs what `npm run setup` installs; see `fleetUnavailable`. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const reason = fleetUnavailable()
  if (reason) throw new Error(`no fleet here: ${reason}`)
  await removeLeftovers()
  const id = `f${randomBytes(3).toString('hex')}`
  const directory = claimDirectory(id)
  const keeper = startKeeper(id)
  try {
    const node = process.execPath
    const parts: FleetParts = {
      id,
      directory,
      netns: netnsOf(id),
      bridge: 'fleet',
      cgroups: cgroupsOf(id),
      baseRoot: rootPath(),
      checkout,
      node
    }
    const names = [...options.hosts, ...(options.operator ? ['operator'] : [])]
    const all = names.map((name, index) => new Host(parts, name, index, `10.77.1.${index + 1}`))
    const agent = options.agent ? { agent: 'bundle' } : {}
    const baseline = Object.fromEntries(
      names.map((name) => [name, { generation: 'baseline', ...(name === 'operator' ? {} : agent) }])
    )
    const generations: Generations = { ...baseline, ...options.generations }
    writeFlake(join(directory, 'flake'), generations, options.agent)
    const [rootKey, hostKeys] = await Promise.all([
      newKey(join(directory, 'operator-root.key')),
      Promise.all(all.map((host) => newKey(join(directory, `${host.name}.key`)))),
      makeNetwork(parts)
    ])
    const knownHosts = all.map((host, index) => `${host.name},${host.address} ${hostKeys[index]}\n`).join('')
    await Promise.all(
      all.map(async (host) => {
        await host.mountDisk()
        personalise(host, parts, all, rootKey)
        if (host.name === 'operator') equipOperator(host, parts, knownHosts)
        await host.install(join(directory, 'flake'))
        await host.boot()
      })
    )
    const operator = all.find((host) => host.name === 'operator')
    return new Fleet(
      parts,
      all.filter((host) => host !== operator),
      operator,
      keeper,
      generations
    )
  } catch (error) {
    await endKeeper(keeper).catch(() => {})
    throw error
  }
}
