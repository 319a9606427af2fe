import { execFile, spawn } from 'node:child_process'
import { BelayError } from './errors.ts'

/** How a command is run. Times in milliseconds, output in bytes. */
export interface CommandOptions {
  /** Ends the command and all it started. */
  readonly timeoutMs: number
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
  /** The program may ask a person: it has our standard input and error, and nothing of its stderr is kept. */
  readonly onTerminal?: boolean
  readonly signal?: AbortSignal
  /** A session of its own, without a terminal that could ask a person; all that is left of it ends with it. */
  readonly noTerminal?: boolean
  /** Called for every line of stderr while the command runs. */
  readonly onStderrLine?: (line: string) => void
  /** Bytes of output kept; more is dropped. Default 4 MiB. */
  readonly maxOutput?: number
}

/** What a command did. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
}

/** Milliseconds from asking a program to end to ending it. */
const KILL_DELAY_MS = 2000

/** Ends a program by force with its process group, of which it is the first. */
export function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {} // all of it is gone
}

/** Runs one program with an argument array, never through a shell. Does not throw on a non-zero exit. */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { execa } = await import('execa')
  const [file, ...args] = argv
  if (file === undefined) throw new BelayError('internal', 'empty command line')
  const child = execa(file, args, {
    reject: false,
    timeout: options.timeoutMs,
    forceKillAfterDelay: KILL_DELAY_MS,
    maxBuffer: options.maxOutput ?? 4 * 1024 * 1024,
    stdin: options.onTerminal ? 'inherit' : options.input === undefined ? 'ignore' : 'pipe',
    ...(options.onTerminal ? { stderr: 'inherit' as const } : {}),
    ...(options.noTerminal ? { detached: true } : {}),
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.signal ? { cancelSignal: options.signal } : {})
  })
  if (options.onStderrLine) {
    const tell = options.onStderrLine
    void (async () => {
      for await (const line of child.iterable({ from: 'stderr' })) tell(line)
    })().catch(() => {})
  }
  const endGroup = () => killGroup(options.noTerminal ? child.pid : undefined)
  // What it started may hold its pipes open.
  const late = options.noTerminal ? setTimeout(endGroup, options.timeoutMs + KILL_DELAY_MS) : undefined
  options.signal?.addEventListener('abort', endGroup, { once: true })
  const result = await child
  clearTimeout(late)
  options.signal?.removeEventListener('abort', endGroup)
  endGroup()
  return {
    code: result.exitCode ?? null,
    stdout: result.stdout ?? '',
    stderr: result.stderr || (result.exitCode === undefined ? (result.shortMessage ?? '') : ''),
    timedOut: result.timedOut
  }
}

/** Like {@link runCommand}, but throws `command-failed` or `command-timeout` with the end of stderr. */
export async function mustRun(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const result = await runCommand(argv, options)
  if (result.timedOut) {
    throw new BelayError('command-timeout', `${argv[0]} did not end within ${options.timeoutMs} ms`)
  }
  if (result.code !== 0) {
    const end = result.stderr.trim().split('\n').slice(-5).join('\n')
    throw new BelayError(
      'command-failed',
      `${argv.slice(0, 4).join(' ')} exited with ${result.code}: ${end}`,
      {
        found: result.code,
        wanted: 0
      }
    )
  }
  return result
}

/** A command that runs until it is ended. */
export interface RunningCommand {
  /** Resolves when the program has ended, with its exit code and the end of its stderr. Never rejects. */
  readonly exited: Promise<{ readonly code: number | null; readonly stderr: string }>
  /** Ends the program, by force after two seconds. Resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts one program that is to run on, such as a tunnel. It ends with this process at the latest. */
export async function startCommand(
  argv: readonly string[],
  options: Pick<CommandOptions, 'env' | 'onStderrLine'> & {
    readonly onStdoutLine?: (line: string) => void
  } = {}
): Promise<RunningCommand> {
  const { execa } = await import('execa')
  const [file, ...args] = argv
  if (file === undefined) throw new BelayError('internal', 'empty command line')
  const child = execa(file, args, {
    reject: false,
    forceKillAfterDelay: 2000,
    stdin: 'ignore',
    stdout: options.onStdoutLine ? 'pipe' : 'ignore',
    buffer: false,
    ...(options.env ? { env: options.env } : {})
  })
  const lines: string[] = []
  const { onStdoutLine } = options
  if (onStdoutLine) {
    void (async () => {
      for await (const line of child.iterable({ from: 'stdout' })) onStdoutLine(line)
    })().catch(() => {})
  }
  const read = (async () => {
    for await (const line of child.iterable({ from: 'stderr' })) {
      lines.push(line)
      if (lines.length > 20) lines.shift()
      options.onStderrLine?.(line)
    }
  })().catch(() => {})
  const exited = (async () => {
    const result = await child
    await read
    const unstarted = result.exitCode === undefined ? (result.shortMessage ?? '') : ''
    return { code: result.exitCode ?? null, stderr: lines.join('\n') || unstarted }
  })()
  return {
    exited,
    kill: async () => {
      child.kill()
      await exited
    }
  }
}

/**
 * Runs a program for its effect alone and never throws. For what an idle daemon does again and again: it loads
 * nothing, where {@link runCommand} loads some 5 MiB that would stay.
 */
export function runQuietly(argv: readonly string[], timeoutMs: number): Promise<boolean> {
  const [file = '', ...args] = argv
  return new Promise((resolve) => {
    execFile(file, args, { timeout: timeoutMs, killSignal: 'SIGKILL' }, (error) => resolve(error === null))
  })
}

/** How a bounded command ended. */
export interface BoundedResult {
  /** Exit code; null when a signal or we ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** `flood`: it wrote more than allowed; `unstartable`: there is no such program. */
  readonly ended: 'exited' | 'signal' | 'aborted' | 'flood' | 'unstartable'
}

/** How long what is left in the pipes may take to be read when the program has ended, in milliseconds. */
export const DRAIN_MS = 250

/**
 * Runs a program in a process group of its own, which ends with it: by the signal, by too much output, or when the
 * program has ended and left something behind. Loads nothing, as {@link runQuietly}, and never throws.
 */
export function runBounded(
  argv: readonly string[],
  {
    signal,
    maxOutput,
    env
  }: { signal: AbortSignal; maxOutput: number; env?: Readonly<Record<string, string>> }
): Promise<BoundedResult> {
  return new Promise((resolve) => {
    const [file = '', ...args] = argv
    let ended: BoundedResult['ended'] | null = null
    const output = { stdout: '', stderr: '' }
    let bytes = 0
    if (signal.aborted) return resolve({ code: null, ...output, ended: 'aborted' })
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(env ? { env } : {})
    })
    const end = (why: BoundedResult['ended']) => {
      ended ??= why
      killGroup(child.pid)
    }
    const abort = () => end('aborted')
    const settle = (code: number | null) => {
      signal.removeEventListener('abort', abort)
      for (const stream of [child.stdout, child.stderr]) stream.destroy()
      resolve({
        code: ended === null || ended === 'exited' ? code : null,
        ...output,
        ended: ended ?? 'signal'
      })
    }
    signal.addEventListener('abort', abort, { once: true })
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        bytes += Buffer.byteLength(text)
        if (bytes > maxOutput) end('flood')
        else output[name] += text
      })
    }
    child.on('error', (error) => {
      ended ??= 'unstartable'
      output.stderr ||= error.message
      settle(null)
    })
    child.on('exit', (code) => {
      ended ??= code === null ? 'signal' : 'exited'
      killGroup(child.pid)
      // What has arrived meanwhile is read first, also by a process that was held up for so long.
      const drain = setTimeout(() => setImmediate(settle, code), DRAIN_MS)
      child.on('close', () => {
        clearTimeout(drain)
        settle(code)
      })
    })
  })
}

/** Starts a program in a process group of its own, with pipes to speak with it. */
export const spawnPiped = (argv: readonly string[], env: CommandOptions['env']) =>
  spawn(argv[0] ?? '', argv.slice(1), { detached: true, stdio: 'pipe', env })
