import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { CommandResult } from '../../shared/command.ts'
import { runCommand } from '../../shared/command.ts'
import { realAgent } from '../fleet/deployment.ts'
import { waitFor } from '../fleet/host.ts'
import { rootPath } from '../fleet/root.ts'
import type { System } from './system.ts'
import { knobsOf } from './system.ts'

const checkout = resolve(import.meta.dirname, '../..')
const fixture = join(checkout, 'test/fixtures/darwin')
/** On a real file system, since an overlay cannot lie on another. */
const MACS = '/var/tmp'
const path = '/run/current-system/sw/bin:/usr/bin:/bin:/usr/sbin:/sbin'

/**
 * A stand-in for a Mac: a root file system with launchd.ts as its first process, in namespaces of its own that end with it.
 * What is killed with this process leaves nothing but a folder.
 */
export class Mac implements AsyncDisposable {
  readonly #disk: string
  #machine: ChildProcess | undefined
  #leader: number | undefined
  readonly #built = new Map<string, string>()

  private constructor(disk: string) {
    this.#disk = disk
  }

  /** Makes one with Nix and without a system. */
  static async bare(): Promise<Mac> {
    const mac = new Mac(mkdtempSync(join(MACS, 'belay-mac-')))
    try {
      await mac.boot()
      return mac
    } catch (error) {
      await mac[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Makes one, with a first system that is chosen and activated. */
  static async start(first: System): Promise<Mac> {
    const mac = new Mac(mkdtempSync(join(MACS, 'belay-mac-')))
    try {
      mac.#equip()
      await mac.boot()
      const system = await mac.build(first)
      await mac.must(['nix-env', '-p', '/nix/var/nix/profiles/system', '--set', system])
      await mac.must([`${system}/activate`])
      await mac.whenAnswering()
      return mac
    } catch (error) {
      await mac[Symbol.asyncDispose]()
      throw error
    }
  }

  #equip(): void {
    const target = join(this.#disk, 'upper/root/fixture')
    mkdirSync(target, { recursive: true })
    cpSync(fixture, target, { recursive: true })
    cpSync(realAgent().bundle, join(target, 'agent-bundle'), { recursive: true })
    cpSync(join(checkout, 'launchd/org.nixos.belay-agent.plist'), join(target, 'org.nixos.belay-agent.plist'))
    this.setConsoleUser(501)
  }

  /** Who is logged in at the screen from the next boot on; see {@link login} for now. */
  setConsoleUser(uid: number): void {
    writeFileSync(join(this.#disk, 'console-user'), `${uid}\n`)
  }

  /** Somebody logs in at the screen, or out (0). */
  async login(uid: number): Promise<void> {
    this.setConsoleUser(uid)
    await this.must(['chown', String(uid), '/dev/console'])
  }

  /** Its first process, seen from outside. */
  get leader(): number | undefined {
    return this.#leader
  }

  /** The Mac's files from outside, while it is on. */
  get root(): string {
    return `/proc/${this.#leader}/root`
  }

  /** Powers it on; resolves when launchd has loaded what a boot loads. */
  async boot(): Promise<void> {
    const log = openSync(join(this.#disk, 'console.log'), 'a')
    const namespaces = ['--mount', '--pid', '--uts', '--ipc', '--net', '--fork', '--kill-child']
    const boot = [join(import.meta.dirname, 'boot.sh'), rootPath(), this.#disk, checkout, process.execPath]
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...namespaces, 'sh', ...boot], {
      stdio: ['ignore', log, log]
    })
    this.#machine = child
    await waitFor(() => {
      if (child.exitCode !== null) return true
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()
      this.#leader = Number(children.split(' ')[0]) || undefined
      return this.#leader !== undefined && existsSync(`${this.root}/private/var/run/ready`)
    }, 'the boot')
      .then(() => {
        if (child.exitCode !== null) throw new Error(`it went off with ${child.exitCode}`)
      })
      .catch((error: Error) => {
        throw new Error(
          `${error.message}\n${readFileSync(join(this.#disk, 'console.log'), 'utf8').slice(-2000)}`
        )
      })
  }

  /** Takes its power away: all of its processes are gone at once, its disk stays. */
  async powerCut(): Promise<void> {
    const machine = this.#machine
    if (machine === undefined || this.#leader === undefined) return
    const gone = new Promise((resolve) => machine.once('exit', resolve))
    this.#freeze(this.#leader)
    try {
      process.kill(this.#leader, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
    if (machine.exitCode === null && machine.signalCode === null) await gone
    this.#machine = undefined
    this.#leader = undefined
  }

  /** Resolves when something else has taken its power away. */
  async whenOff(): Promise<void> {
    const machine = this.#machine
    if (machine !== undefined && machine.exitCode === null && machine.signalCode === null)
      await new Promise((resolve) => machine.once('exit', resolve))
    this.#machine = undefined
    this.#leader = undefined
  }

  /** Stops all but launchd, so that none of them sees that it ends before they do. */
  #freeze(leader: number): void {
    const space = (pid: string | number) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/pid`)
      } catch {
        return null
      }
    }
    const own = space(leader)
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid) || Number(pid) === leader || own === null || space(pid) !== own) continue
      try {
        process.kill(Number(pid), 'SIGSTOP')
      } catch {
        // It ended meanwhile.
      }
    }
  }

  /** Runs a command on it as root. Does not throw on a non-zero exit. */
  run(argv: readonly string[], timeoutMs = 60_000): Promise<CommandResult> {
    const enter = ['nsenter', '--target', String(this.#leader), '--all', '--root', '--wd', '--']
    const clean = ['env', '-i', '-C', '/', `PATH=${path}`, 'HOME=/var/root', 'LC_ALL=C.UTF-8']
    return runCommand([...enter, ...clean, ...argv], { timeoutMs })
  }

  /** Like {@link run}, but throws on a non-zero exit, and gives what the command printed. */
  async must(argv: readonly string[], timeoutMs?: number): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, timeoutMs)
    if (code !== 0) throw new Error(`${argv.join(' ')} exited with ${code}: ${stderr.slice(-2000)}`)
    return stdout.trim()
  }

  /** Asks launchd, from outside: what it prints. */
  launchctl(...args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = []
      const socket = connect(`${this.root}/private/var/run/launchd.sock`, () =>
        socket.end(['system', ...args].join('\0'))
      )
      socket.on('error', reject)
      socket.on('data', (piece) => pieces.push(piece))
      socket.on('end', () => {
        const [, length = 0, text = ''] = /^\d+ (\d+)\n(.*)$/s.exec(Buffer.concat(pieces).toString()) ?? []
        resolve(text.slice(0, Number(length)))
      })
    })
  }

  /** Builds a system with the Mac's own Nix, once; gives its store path. */
  async build(system: System): Promise<string> {
    const knobs = knobsOf(system)
    const argv = ['nix-build', '/root/fixture/system.nix', '--argstr', 'knobs', knobs]
    const path = this.#built.get(knobs) ?? (await this.must([...argv, '--no-out-link', '--quiet'], 120_000))
    this.#built.set(knobs, path)
    return path
  }

  /** Identities of its operations, oldest first. */
  operations(): readonly string[] {
    const directory = `${this.root}/var/lib/belay/operations`
    if (!existsSync(directory)) return []
    return readdirSync(directory)
      .filter((name) => /^\d{8}T/.test(name))
      .sort()
  }

  /** Asks for an activation and returns when it is accepted. */
  async activate(storePath: string, ...options: readonly string[]): Promise<void> {
    await this.must(['belay-agent', 'activate', storePath, '--no-follow', ...options])
  }

  async waitFor(what: string, predicate: () => boolean | Promise<boolean>): Promise<void> {
    await waitFor(predicate, what)
  }

  /** Its agent, asked from outside: that starts no process. */
  agent(role: 'observe' | 'operate') {
    return agentClient(`${this.root}/private/var/run/belay/${role}.sock`)
  }

  async whenAnswering(): Promise<void> {
    await waitFor(async () => (await this.agent('observe').host()) !== null, 'the agent')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerCut()
    rmSync(this.#disk, { recursive: true, force: true })
  }
}
