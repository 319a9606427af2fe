import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'

/** What is attacked. */
export const targets = ['agent', 'controller'] as const
export type TargetName = (typeof targets)[number]

/** How a caller comes: by a socket, or over TLS, with a certificate or without one. */
export type Way =
  | { readonly socketPath: string }
  | {
      readonly host: string
      readonly port: number
      readonly rejectUnauthorized: boolean
      readonly cert?: string
      readonly key?: string
    }

/** What a target says of itself. */
export interface TargetLine {
  /** The first is the one of operators on the machine. */
  readonly ways: readonly Way[]
  /** Names that it knows. */
  readonly known: readonly string[]
  /** Bodies that it takes, by method and path: what nobody guesses. */
  readonly examples: Readonly<Record<string, unknown>>
}

/** A daemon in a process of its own. */
export interface Target extends TargetLine {
  readonly child: ChildProcess
}

/** The memory that each daemon has as it is installed. */
const flagsIn = (file: string, pattern: RegExp) =>
  (pattern.exec(readFileSync(file, 'utf8'))?.[1] ?? '').split(' ')
const asInstalled: Readonly<Record<TargetName, readonly string[]>> = {
  agent: flagsIn('nix/package.nix', /flags = "(--[^"]*)";/),
  controller: flagsIn('systemd/belay-controller.service', /^Environment=NODE_OPTIONS=(--.*)$/m)
}

/** Starts it with the memory that it has where it is installed, and ends it. `listen` is for the listener over TLS. */
export async function withTarget<T>(
  of: TargetName,
  work: (target: Target) => Promise<T>,
  listen: object = {}
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'belay-'))
  const program = [join(import.meta.dirname, 'target.ts'), of, dir, JSON.stringify(listen)]
  const child = spawn(process.execPath, [...asInstalled[of], ...program], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    return await work({ child, ...(JSON.parse(line) as TargetLine) })
  } finally {
    child.stdin.end()
    if (child.exitCode === null && child.signalCode === null) {
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref()
      await once(child, 'exit')
    }
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Resident memory of a process, in MiB. */
export function memoryOf({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** A connection by a way; `ready` is called when it stands. */
export function open(way: Way, ready: (socket: Socket) => void): Socket {
  const socket: Socket =
    'socketPath' in way ? connect(way.socketPath, () => ready(socket)) : connectTls(way, () => ready(socket))
  return socket
}
