import { mustRun } from '../../../shared/command.ts'
import { monotonicMs } from '../../clock.ts'
import { tools } from './tools.ts'

/** No chain of parents is longer. */
const MAX_ANCESTORS = 64

/**
 * Seconds since the ssh session around a process began, from the list of `ps -axo pid=,ppid=,etime=,comm=`; null when none
 * is found. The list counts whole seconds: it may be up to one more.
 */
export function sessionAge(list: string, from: number): number | null {
  const byPid = new Map<
    number,
    { readonly parent: number; readonly seconds: number; readonly name: string }
  >()
  for (const line of list.split('\n')) {
    const [, pid, parent, time = '', command = ''] = /^\s*(\d+)\s+(\d+)\s+([\d:-]+)\s+(.*)$/.exec(line) ?? []
    const seconds = parseElapsed(time)
    if (seconds !== null)
      byPid.set(Number(pid), {
        parent: Number(parent),
        seconds,
        name: command.split(/[\s:]/)[0]?.split('/').at(-1) ?? ''
      })
  }
  let at = byPid.get(from)
  for (let i = 0; at !== undefined && i < MAX_ANCESTORS; i++) {
    if (at.name.startsWith('sshd')) return at.seconds
    at = byPid.get(at.parent)
  }
  return null
}

/** Reads `[[days-]hours:]minutes:seconds`. */
export function parseElapsed(text: string): number | null {
  const [, days = '0', hours = '0', minutes, seconds] = /^(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)$/.exec(text) ?? []
  if (minutes === undefined || seconds === undefined) return null
  return ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)
}

/** When the ssh session around this process began, at the earliest. */
export async function macSessionStart(): Promise<number | null> {
  const { stdout } = await mustRun([tools.ps, '-axo', 'pid=,ppid=,etime=,comm='], { timeoutMs: 10_000 })
  const age = sessionAge(stdout, process.ppid)
  return age === null ? null : monotonicMs() - (age + 1) * 1000
}
