import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BelayError } from '../../shared/errors.ts'
import type { FleetHost, SshConnection } from '../inventory/fleet.ts'
import type { LeakGate } from '../leaks/gate.ts'
import { destination, sshOptions, storeUrl } from '../transport/ssh-args.ts'
import type { Run } from './run.ts'
import { endOfLog, nixProgram } from './run.ts'

/** What a push needs from outside. */
export interface PushPorts {
  readonly run: Run
  readonly signal: AbortSignal
  /** Called for every line that Nix prints. */
  readonly onLine: (host: string, line: string) => void
  /** What must let the closure through first. */
  readonly leaks: LeakGate
}

/** Milliseconds after which a push is given up: six hours. */
const PUSH_TIMEOUT = 6 * 3600_000

/** How OpenSSH and Nix say that there was no connection, or that it went dead on the way. Nix itself always exits with 1. */
const NO_CONNECTION =
  /cannot connect to|failed to start SSH|ssh: connect|Connection (refused|timed out|closed|reset)|Connection to \S+ (closed|timed out)|Timeout, server \S+ not responding|client_loop: send disconnect|No route to host|Could not resolve|Host key verification failed|Permission denied \(/i

/** Copies the closure to the host. Throws `leak-found`, `host-unreachable` or `push-failed`. */
export async function pushPath(host: FleetHost, storePath: string, ports: PushPorts): Promise<void> {
  await ports.leaks(storePath, (line) => ports.onLine(host.name, line))
  await using ssh = await sshForNix(host.ssh)
  const result = await ports.run(pushCommand(host, storePath), {
    timeoutMs: PUSH_TIMEOUT,
    signal: ports.signal,
    env: ssh.env,
    onStderrLine: (line) => ports.onLine(host.name, line)
  })
  ports.signal.throwIfAborted()
  if (result.code === 0) return
  const log = endOfLog(result)
  const at = destination(host.ssh)
  if (result.code === 255 || NO_CONNECTION.test(log)) {
    throw new BelayError('host-unreachable', `${host.name} (${at}): ${log}`, { at })
  }
  const hint = log.includes('signature')
    ? '\nSign the path with a key that the host trusts, or set push.checkSignatures: false in the fleet file.'
    : ''
  throw new BelayError('push-failed', `${storePath} did not reach ${host.name} (${at}):\n${log}${hint}`, {
    found: result.code,
    wanted: 0,
    at
  })
}

/** The command line of a push. */
export function pushCommand(host: FleetHost, storePath: string): string[] {
  return [
    ...nixProgram,
    'copy',
    ...(host.push.checkSignatures ? [] : ['--no-check-sigs']),
    ...(host.push.substituteOnHost ? ['--substitute-on-destination'] : []),
    '--to',
    storeUrl(host.ssh),
    storePath
  ]
}

interface SshForNix extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
}

/**
 * Nix runs `ssh` from PATH and splits NIX_SSHOPTS at white space. Another command, or an argument with a space,
 * therefore goes through a script of ours named `ssh`.
 */
export async function sshForNix(ssh: SshConnection): Promise<SshForNix> {
  const options = sshOptions(ssh)
  const plain = ssh.command.length === 1 && ssh.command[0] === 'ssh' && !options.some((o) => /\s/.test(o))
  if (plain) return { env: { NIX_SSHOPTS: options.join(' ') }, [Symbol.asyncDispose]: async () => {} }
  const directory = await mkdtemp(join(tmpdir(), 'belay-ssh-'))
  const path = process.env.PATH ?? '/usr/bin:/bin'
  const words = [...ssh.command, ...options].map(shellQuote).join(' ')
  const script = `#!/bin/sh\nPATH=${shellQuote(path)}\nexec ${words} "$@"\n`
  await writeFile(join(directory, 'ssh'), script)
  await chmod(join(directory, 'ssh'), 0o700)
  return {
    env: { NIX_SSHOPTS: '', PATH: `${directory}:${path}` },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true })
  }
}

function shellQuote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
