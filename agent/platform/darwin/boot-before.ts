import { runCommand } from '../../../shared/command.ts'
import type { BootBefore, Judgement } from '../../health/soak/reboot.ts'
import { wentDownInOrder } from './host-measures.ts'
import { tools } from './tools.ts'

/** Reading the log of this boot takes so long at most; so much of it is read. */
const LOG_MS = 60_000
const LOG_BYTES = 256 * 1024
const LOG = [
  ...['show', '--last', 'boot', '--style', 'ndjson', '--predicate'],
  'process == "kernel" AND eventMessage CONTAINS "Previous shutdown cause"'
]

/** The number in the kernel's `Previous shutdown cause: 5`, from records of `log show`; null where there is none. */
export function shutdownCause(text: string): number | null {
  const found = /"eventMessage":"[^"]*Previous shutdown cause: (-?\d{1,4})\b/.exec(text)?.[1]
  return found === undefined ? null : Number(found)
}

/** Of `last`, newest first: who was logged in until the host was shut down. */
export function loggedInAtShutdown(text: string): string | null {
  const lines = text.split('\n')
  const from = lines.findIndex((line) => /^shutdown\b/.test(line))
  if (from === -1) return null
  const at = /\b(\d\d:\d\d)\s*$/.exec(lines[from] ?? '')?.[1]
  for (const line of lines.slice(from + 1)) {
    if (/^(reboot|shutdown)\b/.test(line)) return null
    const [, user, end] = /^(\S+)\s+(?:console|ttys\d+)\s.* - (shutdown|\d\d:\d\d)\b/.exec(line) ?? []
    if (user !== undefined && (end === 'shutdown' || end === at)) return user
  }
  return null
}

/** Why a Mac went down, as far as it tells. What nobody can tell was not wanted by anybody that is known. */
export function judgeMacReboot(last: string | null, cause: number | null): Judgement {
  const number = cause === null ? '' : ` (previous shutdown cause ${cause})`
  if (cause === 0) return { expected: false, cause: `the power was lost${number}` }
  if (cause === 3) return { expected: false, cause: `the power button was held${number}` }
  if (cause !== null && cause < 0) return { expected: false, cause: `the hardware ended it${number}` }
  const orderly = wentDownInOrder(last) ?? (cause === 5 ? true : null)
  if (orderly === null)
    return { expected: false, cause: `it rebooted, and neither last nor the log tells why${number}` }
  if (!orderly)
    return { expected: false, cause: `it went down without a shutdown: power cut, crash or reset${number}` }
  const user = loggedInAtShutdown(last ?? '')
  return user === null
    ? { expected: false, cause: `it was shut down, and nobody was logged in or had announced it${number}` }
    : { expected: true, cause: `shut down while ${user} was logged in${number}` }
}

/** What a Mac still knows of how the boot before ended. When that was is told to the minute, which is not enough. */
export async function bootBefore(): Promise<BootBefore> {
  const [last, log] = await Promise.all([
    said([tools.last, '-n', '50'], 10_000),
    said([tools.log, ...LOG], LOG_MS)
  ])
  const told = judgeMacReboot(last, log === null ? null : shutdownCause(log))
  return { logins: [], system: [], lastAt: null, told }
}

async function said(argv: readonly string[], timeoutMs: number): Promise<string | null> {
  const ran = await runCommand(argv, { timeoutMs, maxOutput: LOG_BYTES }).catch(() => null)
  return ran?.code === 0 ? ran.stdout : null
}
