import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { parsePlist } from '../../agent/platform/darwin/plist.ts'

/** A property list of a job, as far as it counts here. */
export interface Definition {
  readonly label: string
  readonly path: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly runAtLoad: boolean
  /** Whether it is started again after an end with, or without, success. */
  readonly keepAlive: { readonly success: boolean; readonly failure: boolean }
  readonly throttleSeconds: number
  readonly exitSeconds: number
  readonly abandonGroup: boolean
  readonly out: string
  readonly err: string
}

interface Raw {
  Label?: string
  ProgramArguments?: string[]
  EnvironmentVariables?: Record<string, string>
  RunAtLoad?: boolean
  KeepAlive?: boolean | { SuccessfulExit?: boolean }
  ThrottleInterval?: number
  ExitTimeOut?: number
  AbandonProcessGroup?: boolean
  StandardOutPath?: string
  StandardErrorPath?: string
}

/** Reads a property list as launchd does: of root, and writable by nobody else. Gives what is wrong otherwise. */
export function readJob(path: string): Definition | string {
  try {
    const { uid, mode } = statSync(path)
    if (uid !== 0 || (mode & 0o022) !== 0) return 'path had bad ownership or permissions'
    const raw = parsePlist(readFileSync(path, 'utf8')) as Raw
    if (!raw.Label || !raw.ProgramArguments?.length) return 'no Label or ProgramArguments'
    const keep = raw.KeepAlive ?? false
    const success = typeof keep === 'boolean' ? keep : keep.SuccessfulExit === true
    const failure = typeof keep === 'boolean' ? keep : keep.SuccessfulExit === false
    return {
      label: raw.Label,
      path,
      arguments: raw.ProgramArguments,
      environment: raw.EnvironmentVariables ?? {},
      runAtLoad: raw.RunAtLoad === true || keep !== false,
      keepAlive: { success, failure },
      throttleSeconds: raw.ThrottleInterval ?? 10,
      exitSeconds: raw.ExitTimeOut ?? 20,
      abandonGroup: raw.AbandonProcessGroup === true,
      out: raw.StandardOutPath ?? '/dev/null',
      err: raw.StandardErrorPath ?? '/dev/null'
    }
  } catch (error) {
    return (error as Error).message
  }
}

/** One loaded job and its process. */
export class Job {
  readonly label: string
  readonly #of: Definition
  #child: ChildProcess | null = null
  #ended: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #startedAt = 0
  #runs = 0
  #removed = false
  #again = false
  #exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null = null

  constructor(of: Definition) {
    this.#of = of
    this.label = of.label
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** As the list has it: an exit code, or minus the number of a signal. */
  get status(): number {
    if (this.#exit === null) return 0
    const { code, signal } = this.#exit
    return code ?? -(signal === null ? 0 : constants.signals[signal])
  }

  loaded(): void {
    if (this.#of.runAtLoad) this.#start()
  }

  /** Starts it; with `kill` also one that runs. */
  async kick(kill: boolean): Promise<void> {
    if (this.#child !== null && !kill) return
    this.#again = true
    await this.#stop()
    this.#again = false
    clearTimeout(this.#timer)
    this.#start()
  }

  /** Ends it for good. */
  async remove(): Promise<void> {
    this.#removed = true
    clearTimeout(this.#timer)
    await this.#stop()
  }

  print(target: string): string {
    const state = this.#child !== null ? 'running' : this.#timer ? 'spawn scheduled' : 'not running'
    const last =
      this.#exit === null
        ? 'last exit code = (never exited)'
        : this.#exit.code === null
          ? `last terminating signal = ${this.#exit.signal}: ${-this.status}`
          : `last exit code = ${this.#exit.code}`
    const words = this.#of.arguments.map((word) => `\t\t${word}\n`).join('')
    const pid = this.pid === null ? '' : `\tpid = ${this.pid}\n`
    return `${target} = {\n\tactive count = ${this.pid === null ? 0 : 1}\n\tpath = ${this.#of.path}\n\ttype = LaunchDaemon
\tstate = ${state}\n\n\tprogram = ${this.#of.arguments[0]}\n\targuments = {\n${words}\t}\n
\truns = ${this.#runs}\n${pid}\tforks = 0\n\t${last}\n}\n`
  }

  #start(): void {
    this.#timer = undefined
    this.#runs++
    this.#startedAt = performance.now()
    const [out, err] = [this.#of.out, this.#of.err].map((path) => openSync(path, 'a', 0o644))
    const [file = '', ...args] = this.#of.arguments
    const child = spawn(file, args, {
      // A session and a process group of its own.
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', ...this.#of.environment },
      stdio: ['ignore', out, err]
    })
    for (const fd of [out, err]) if (fd !== undefined) closeSync(fd)
    this.#child = child
    this.#ended = new Promise((resolve) => {
      // 78 is EX_CONFIG: there is no such program.
      child.once('error', () => resolve(this.#over(78, null)))
      child.once('exit', (code, signal) => resolve(this.#over(code, signal)))
    })
  }

  #over(code: number | null, signal: NodeJS.Signals | null): void {
    if (!this.#of.abandonGroup) this.#signal('SIGKILL')
    this.#child = null
    this.#exit = { code, signal }
    const wanted = code === 0 ? this.#of.keepAlive.success : this.#of.keepAlive.failure
    if (this.#removed || this.#again || !wanted) return
    const left = this.#startedAt + this.#of.throttleSeconds * 1000 - performance.now()
    this.#timer = setTimeout(() => this.#start(), Math.max(0, left))
  }

  /** SIGTERM, and SIGKILL when its time is over, to the whole process group. */
  async #stop(): Promise<void> {
    if (this.#child === null) return
    this.#signal('SIGTERM')
    const kill = setTimeout(() => this.#signal('SIGKILL'), this.#of.exitSeconds * 1000)
    await this.#ended
    clearTimeout(kill)
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.#child?.pid !== undefined) process.kill(-this.#child.pid, signal)
    } catch {
      // The whole group is gone.
    }
  }
}
