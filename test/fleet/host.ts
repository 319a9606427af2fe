import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { CommandResult } from '../../shared/command.ts'
import { mustRun, runCommand } from '../../shared/command.ts'
import { removeGroups } from './teardown.ts'

/** What a host knows of its fleet. */
export interface FleetParts {
  readonly id: string
  readonly directory: string
  readonly netns: string
  readonly bridge: string
  readonly cgroups: readonly string[]
  readonly baseRoot: string
  readonly checkout: string
  readonly node: string
}

/** How a command in a host runs. */
export interface RunOptions {
  /** Default five minutes, for a slow machine; then the command is killed inside the host. */
  readonly timeoutMs?: number
  readonly input?: string
}

/** When to give up, on a machine however slow. */
const PATIENCE_MS = 300_000

/** Polls until the predicate holds; throws with `what` when it does not in time. A predicate that throws is false. */
export async function waitFor(predicate: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  let last: unknown
  for (;;) {
    try {
      if (await predicate()) return
      last = undefined
    } catch (error) {
      last = error
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE_MS} ms`, { cause: last })
    await delay(50)
  }
}

const path = '/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Enters the control groups named first, then runs the rest. */
const joinGroups = 'for g in $1; do mkdir -p "$g"; echo $$ > "$g/cgroup.procs"; done; shift; exec "$@"'

/** systemd-nspawn's notifications, one field a line: the container's first process, then READY=1. */
const listenForReady = `use Socket; $| = 1; socket(S, AF_UNIX, SOCK_DGRAM, 0) or die; bind(S, sockaddr_un($ARGV[0])) or die;
print "LISTENING\\n"; while (defined recv(S, $m, 4096, 0)) { print "$m\\n"; last if $m =~ /^READY=1/m }`

/** One host of a fleet: a container with its own systemd, network and disk. */
export class Host {
  readonly name: string
  readonly address: string
  /** The host's file system as seen from outside. */
  readonly root: string
  readonly #fleet: FleetParts
  readonly #index: number
  readonly #directory: string
  #boots = 0
  #leader: number | undefined
  #nspawn: Promise<number | null> | undefined
  #child: ChildProcess | undefined
  #groups: string[] = []

  constructor(fleet: FleetParts, name: string, index: number, address: string) {
    this.#fleet = fleet
    this.#index = index
    this.name = name
    this.address = address
    this.#directory = join(fleet.directory, 'hosts', name)
    this.root = join(this.#directory, 'root')
  }

  /** Mounts the host's disk: the shared root below, its own changes above. */
  async mountDisk(): Promise<void> {
    const upper = join(this.#directory, 'upper')
    const work = join(this.#directory, 'work')
    for (const directory of [upper, work, this.root]) mkdirSync(directory, { recursive: true })
    const options = `lowerdir=${this.#fleet.baseRoot},upperdir=${upper},workdir=${work}`
    await mustRun(['mount', '-t', 'overlay', '-o', options, 'overlay', this.root], { timeoutMs: 30_000 })
  }

  /** Builds and installs the first generation while the host is off. */
  async install(flake: string): Promise<void> {
    const script = join(import.meta.dirname, 'install.sh')
    const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child']
    await mustRun(
      this.#inGroups(this.#bootGroups('install'), [...unshare, 'sh', script, this.root, flake, this.name]),
      { timeoutMs: 120_000 }
    )
    removeGroups(this.#groups)
  }

  /** Whether the host is on. */
  get on(): boolean {
    return this.#leader !== undefined
  }

  /** Process number of the host's systemd on this machine. */
  get leader(): number {
    if (this.#leader === undefined) throw new Error(`${this.name} is off`)
    return this.#leader
  }

  /** What the host wrote to its console. */
  get console(): string {
    const file = join(this.#directory, 'console.log')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  /**
   * Powers the host on. Resolves when systemd says that the boot is complete, or with `ready: false` as soon as its
   * first process runs. Rejects when the host goes off again, with the end of its console.
   */
  async boot(options: { readonly timeoutMs?: number; readonly ready?: boolean } = {}): Promise<void> {
    if (this.#nspawn) throw new Error(`${this.name} is on`)
    const groups = this.#bootGroups(`boot-${++this.#boots}`)
    const socket = join(this.#directory, 'notify')
    rmSync(socket, { force: true })
    const listener = spawn('sh', this.#inGroups(groups, ['perl', '-e', listenForReady, socket]).slice(1), {
      stdio: ['ignore', 'pipe', 'ignore']
    })
    const seen = Promise.withResolvers<void>()
    const timeoutMs = options.timeoutMs ?? PATIENCE_MS
    const timer = setTimeout(() => seen.reject(new Error(`not ready within ${timeoutMs} ms`)), timeoutMs)
    createInterface({ input: listener.stdout }).on('line', (line) => {
      if (line === 'LISTENING') {
        void this.#power(groups, socket).then((code) => {
          listener.kill('SIGKILL')
          seen.reject(new Error(`exited with ${code}`))
        })
      }
      if (line.startsWith('X_NSPAWN_LEADER_PID=')) this.#leader = Number(line.split('=')[1])
      if (line === 'READY=1' || (options.ready === false && this.#leader !== undefined)) seen.resolve()
    })
    try {
      await seen.promise
    } catch (error) {
      const tail = this.console.trim().split('\n').slice(-15).join('\n')
      throw new Error(`${this.name} did not boot: ${(error as Error).message}\n${tail}`)
    } finally {
      clearTimeout(timer)
      if (options.ready !== false || this.#leader === undefined) listener.kill('SIGKILL')
      listener.unref()
      ;(listener.stdout as Socket).unref()
    }
  }

  /** Takes the host's power away: its processes are killed at once, its disk stays. */
  async powerCut(): Promise<void> {
    this.#child?.ref()
    if (this.#leader !== undefined) process.kill(this.#leader, 'SIGKILL')
    else this.#child?.kill('SIGKILL')
    await this.#nspawn
  }

  /** Resolves when the host, which reboots by itself, is up again. */
  async whenRebooted(): Promise<void> {
    await this.whenOff()
    await this.boot()
  }

  /** Resolves when the host is off, for instance after it shut itself down. */
  async whenOff(): Promise<void> {
    this.#child?.ref()
    await waitFor(() => this.#nspawn === undefined, `${this.name} off`)
  }

  /** The command line that runs a command in the host as root, ended there after its time. */
  inside(argv: readonly string[], timeoutMs = 60_000): string[] {
    const clean = ['env', '-i', '-C', '/root', `PATH=${path}`, 'HOME=/root', 'TERM=dumb', 'LC_ALL=C.UTF-8']
    const limited = ['timeout', '--signal=KILL', String(timeoutMs / 1000), ...argv]
    // It forks otherwise, and waits for ever for a child that the host's shutdown stops for a moment: who stops, it stops with.
    return ['nsenter', '--no-fork', '--target', String(this.leader), '--all', '--', ...clean, ...limited]
  }

  /** Runs a command in the host as root. Does not throw on a non-zero exit. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    const timeoutMs = options.timeoutMs ?? PATIENCE_MS
    return runCommand(this.inside(argv, timeoutMs), {
      timeoutMs: timeoutMs + 5_000,
      ...(options.input === undefined ? {} : { input: options.input })
    })
  }

  /** Like {@link run}, but throws on a non-zero exit, and returns what the command printed. */
  async must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await this.run(argv, options)
    if (result.code !== 0) {
      throw new Error(
        `${this.name}: ${argv.join(' ')} exited with ${result.code}: ${result.stderr.slice(-2000)}`
      )
    }
    return result.stdout
  }

  /** Pulls the host's network cable. */
  async cutNetwork(): Promise<void> {
    await this.#cable('down')
  }

  /** Plugs the host's network cable in again. */
  async restoreNetwork(): Promise<void> {
    await this.#cable('up')
  }

  /** Polls until the predicate holds. */
  async waitFor(predicate: () => boolean | Promise<boolean>, what: string): Promise<void> {
    await waitFor(predicate, `${this.name}: ${what}`)
  }

  async #cable(state: 'up' | 'down'): Promise<void> {
    const { id, netns } = this.#fleet
    await mustRun(['ip', '-n', netns, 'link', 'set', 'dev', `vb-${id}-${this.#index}`, state], {
      timeoutMs: 10_000
    })
  }

  #bootGroups(name: string): string[] {
    this.#groups = this.#fleet.cgroups.map((group) => join(group, `${this.name}-${name}`))
    return this.#groups
  }

  #inGroups(groups: readonly string[], argv: readonly string[]): string[] {
    return ['sh', '-c', joinGroups, 'sh', groups.join(' '), ...argv]
  }

  /** Starts systemd-nspawn; resolves with its exit code when the host is off again. */
  #power(groups: readonly string[], socket: string): Promise<number | null> {
    const { netns, bridge, id, checkout, node } = this.#fleet
    const log = openSync(join(this.#directory, 'console.log'), 'a')
    const nspawn = [
      'systemd-nspawn',
      '--quiet',
      '--settings=no',
      '--register=no',
      '--keep-unit',
      '--notify-ready=yes',
      '--console=pipe',
      '--resolv-conf=off',
      '--timezone=off',
      '--link-journal=no',
      `--directory=${this.root}`,
      `--machine=${id}-${this.#index}`,
      `--hostname=${this.name}`,
      `--network-bridge=${bridge}`,
      `--bind-ro=${checkout}:/opt/belay/checkout`,
      `--bind-ro=${node}:/opt/belay/node`,
      `--setenv=BELAY_ADDRESS=${this.address}/16`,
      '/usr/sbin/belay-boot'
    ]
    const argv = this.#inGroups(groups, ['nsenter', `--net=/run/netns/${netns}`, ...nspawn])
    const child = spawn('sh', argv.slice(1), {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, NOTIFY_SOCKET: socket, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' }
    })
    closeSync(log)
    child.unref()
    this.#child = child
    this.#nspawn = new Promise((resolve) => {
      child.once('exit', (code) => {
        this.#leader = undefined
        this.#nspawn = undefined
        removeGroups(groups)
        resolve(code)
      })
    })
    return this.#nspawn
  }
}
