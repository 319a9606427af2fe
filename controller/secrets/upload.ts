import { BelayError } from '../../shared/errors.ts'
import type { Run } from '../build/run.ts'
import { endOfLog } from '../build/run.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { VarsPolicy } from '../inventory/pipeline-schema.ts'
import { secondsOf } from '../inventory/words.ts'
import { matches } from '../plan/stages.ts'
import { folderOf, varsInTree } from './vars.ts'

/** What an upload needs from outside. */
export interface UploadPorts {
  readonly run: Run
  readonly signal: AbortSignal
  readonly onLine: (host: string, line: string) => void
}

/** Where the secrets are. */
export interface UploadFrom {
  readonly flake: string
  readonly known: readonly string[]
}

const COMMAND = ['clan', 'vars', 'upload', '{host}']
const TIMEOUT = '5m'
const PLACE = '{host}'

/** Uploads the secrets of a host, where the policy says so. */
export type Upload = (host: FleetHost) => Promise<void>

/**
 * Uploads for one host after the other. What asks a person finds no terminal and an ended input, and fails. Nothing is uploaded
 * from a tree that is wrong for the host. Throws `secrets-wrong`, `vars-failed`.
 */
export function uploader(policy: VarsPolicy | null, from: UploadFrom, ports: UploadPorts): Upload {
  let last: Promise<void> = Promise.resolve()
  return async (host) => {
    if (policy === null || !policy.upload) return
    if (policy.select !== undefined && matches(host, policy.select) === null) return
    const before = last
    const work = before.catch(() => {}).then(() => uploadVars(host, policy, from, ports))
    last = work
    await work
  }
}

/** Uploads the secrets of one host, whatever the policy says of when. */
export async function uploadVars(
  host: FleetHost,
  { command = COMMAND, timeout = TIMEOUT }: Partial<VarsPolicy>,
  from: UploadFrom,
  { run, signal, onLine }: UploadPorts
): Promise<void> {
  signal.throwIfAborted()
  const folder = folderOf(from.flake)
  const { problems } = await varsInTree(host, from)
  const wrong = problems.filter(({ severity }) => severity === 'error')
  if (wrong.length > 0) {
    const text = wrong.map(({ path, message }) => `${path}: ${message}`).join('\n')
    throw new BelayError('secrets-wrong', text, { found: wrong.length, wanted: 0, at: host.name })
  }
  const argv = command.map((argument) => argument.replaceAll(PLACE, host.name))
  const result = await run(argv, {
    ...{ timeoutMs: secondsOf(timeout) * 1000, signal, cwd: folder, noTerminal: true },
    onStderrLine: (line) => onLine(host.name, line)
  })
  signal.throwIfAborted()
  if (result.code === 0) return
  const how = result.timedOut ? `did not end within ${timeout}` : `ended with ${result.code}`
  const text = `${argv.join(' ')} ${how}; it may have wanted to ask somebody:\n${endOfLog(result)}`
  throw new BelayError('vars-failed', text, { found: result.code, wanted: 0, at: host.name })
}
