import { runCommand } from '../../../shared/command.ts'
import type { LedgerState } from './fold.ts'

/** What the host still knows of a boot that is over. */
export interface BootBefore {
  /** What systemd-logind said, oldest first. */
  readonly logins: readonly string[]
  /** The last that systemd itself said. */
  readonly system: readonly string[]
  /** Time of the last message of all, RFC 3339. */
  readonly lastAt: string | null
  /** What the host itself makes of it, where it tells in no such messages. */
  readonly told?: Judgement
}

/** Whether a reboot was wanted, and what is known of it. */
export interface Judgement {
  readonly expected: boolean
  readonly cause: string
}

/** Just after a boot all others read as well. What is not told in time counts as a host that went down without a shutdown. */
const JOURNAL_MS = 60_000

/** For so long somebody's word that a reboot is wanted holds, in milliseconds. */
const WORD_HOLDS_MS = 24 * 3_600_000

/** Sessions that are no person's. */
const noPersons: ReadonlySet<string> = new Set(['gdm', 'sddm', 'lightdm', 'greeter'])

/**
 * A reboot is expected when somebody announced it, pressed the power key, or was logged in while the host was shut down in
 * good order. systemd does not say who shut down; with nobody there it was no operator.
 */
export function judgeReboot(
  before: BootBefore,
  expecting: LedgerState['expecting'],
  downMs: number
): Judgement {
  if (expecting !== null && downMs - Date.parse(expecting.at) < WORD_HOLDS_MS)
    return { expected: true, cause: `${expecting.by}: ${expecting.reason}` }
  if (before.told !== undefined) return before.told
  const shutdown = before.logins.findIndex((line) =>
    /^The system will .* now!$|^System is (rebooting|powering down|halting)/.test(line)
  )
  const clean =
    shutdown !== -1 || before.system.some((line) => /^Shutting down\.|System Shutdown\.$/.test(line))
  if (!clean)
    return { expected: false, cause: 'the host went down without a shutdown: power cut, crash or reset' }
  const until = shutdown === -1 ? before.logins : before.logins.slice(0, shutdown)
  if (until.slice(-5).some((line) => /^Power key pressed/.test(line)))
    return { expected: true, cause: 'the power key was pressed' }
  const [user] = loggedIn(until)
  if (user !== undefined && shutdown !== -1)
    return { expected: true, cause: `shut down while ${user} was logged in` }
  return { expected: false, cause: 'the host was shut down, and nobody was logged in or had announced it' }
}

/** Users with an open session at the end of what logind said. */
function loggedIn(lines: readonly string[]): readonly string[] {
  const open = new Map<string, string>()
  for (const line of lines) {
    const [, session = '', user = '', type] =
      /^New session '?([^\s']+)'? of user '?([^\s'.]+)'?(?: with class '?([^\s']+)'?.*)?\.$/.exec(line) ?? []
    if (session !== '' && !noPersons.has(user) && !/^(manager|greeter|background)/.test(type ?? ''))
      open.set(session, user)
    const closed = /^Removed session '?([^\s']+?)'?\.$/.exec(line)?.[1]
    if (closed !== undefined) open.delete(closed)
  }
  return [...open.values()]
}

/** Asks systemd's journal, which only systemd and logind themselves can write in their own name. */
export async function bootBefore(bootId: string): Promise<BootBefore> {
  const boot = `--boot=${bootId.replaceAll('-', '')}`
  const [logins, system, last] = await Promise.all([
    messages([boot, '--lines=2000', '_SYSTEMD_UNIT=systemd-logind.service']),
    messages([boot, '--lines=200', '_PID=1']),
    journalctl([boot, '--lines=1', '--output=short-unix'])
  ])
  const at = Number(/^\d+\.\d+/.exec(last[0] ?? '')?.[0] ?? Number.NaN)
  return { logins, system, lastAt: Number.isFinite(at) ? new Date(at * 1000).toISOString() : null }
}

const messages = (args: readonly string[]) => journalctl([...args, '--output=cat'])

async function journalctl(args: readonly string[]): Promise<readonly string[]> {
  const { code, stdout } = await runCommand(['journalctl', '--quiet', '--no-pager', ...args], {
    timeoutMs: JOURNAL_MS
  })
  return code === 0 ? stdout.split('\n').filter(Boolean) : []
}
