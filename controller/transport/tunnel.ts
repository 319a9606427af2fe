import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentClient } from '../../shared/agent-client/client.ts'
import type { RunningCommand } from '../../shared/command.ts'
import { startCommand } from '../../shared/command.ts'
import { BelayError, codeOf, describeError } from '../../shared/errors.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import { tunnelCommand } from './ssh-args.ts'

/** A connection to the agent of one host. Closing it leaves nothing behind. */
export interface Tunnel extends AsyncDisposable {
  /** Local socket that leads to the agent. */
  readonly socketPath: string
}

/** Opens a new connection, never a shared one. Throws `host-unreachable`. */
export type OpenTunnel = (host: FleetHost, signal: AbortSignal) => Promise<Tunnel>

/** Milliseconds until ssh must have connected and the agent answered. */
const OPEN_TIMEOUT = 15_000
/** Milliseconds between two looks whether the socket answers. */
const POLL = 40

/** A tunnel through a new ssh process; its socket lies in a directory that only we can enter. */
export const openSshTunnel: OpenTunnel = async (host, signal) => {
  const directory = await mkdtemp(join(tmpdir(), 'belay-'))
  const socketPath = join(directory, 's')
  let ssh: RunningCommand | undefined
  const abort = () => void ssh?.kill()
  const close = async () => {
    signal.removeEventListener('abort', abort)
    await ssh?.kill()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    ssh = await startCommand(tunnelCommand(host.ssh, socketPath, host.socket))
    // What is under way over the tunnel fails at once when the operator interrupts.
    signal.addEventListener('abort', abort)
    await answers({ host, ssh, socketPath, signal })
    return { socketPath, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

interface Opening {
  readonly host: FleetHost
  readonly ssh: RunningCommand
  readonly socketPath: string
  readonly signal: AbortSignal
}

async function answers({ host, ssh, socketPath, signal }: Opening): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT)])
  let gone: { code: number | null; stderr: string } | undefined
  void ssh.exited.then((end) => {
    gone = end
  })
  let last: unknown
  for (;;) {
    try {
      await agentClient(socketPath, 3000).live()
      return
    } catch (error) {
      // An agent that answers with a problem answers.
      if (codeOf(error) !== 'host-unreachable' && gone === undefined) return
      last = error
    }
    signal.throwIfAborted()
    if (gone !== undefined) throw unreachable(host, lastLine(gone.stderr) || `ssh ended with ${gone.code}`)
    if (limit.aborted) {
      throw unreachable(host, `no answer from ${host.socket} in ${OPEN_TIMEOUT / 1000} s`, last)
    }
    await sleep(POLL, undefined, { signal: limit }).catch(() => {})
  }
}

function unreachable(host: FleetHost, why: string, cause?: unknown): BelayError {
  const address = `${host.ssh.user}@${host.ssh.host}`
  const detail = cause === undefined ? '' : ` (${describeError(cause)})`
  return new BelayError('host-unreachable', `${host.name} (${address}): ${why}${detail}`, { at: address })
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
