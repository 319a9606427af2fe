import { readFile } from 'node:fs/promises'
import { monotonicMs } from '../../clock.ts'
import { ignoreMissing } from '../nix/generations.ts'

/** Clock ticks in a second, as /proc counts them: the same on every Linux that Nix supports. */
const TICKS = 100
/** No chain of parents is longer; a loop that read a process which just went ends as well. */
const MAX_ANCESTORS = 64

/**
 * When the ssh session around this process began, in CLOCK_MONOTONIC milliseconds; null when none is found, as on a
 * console, or inside a terminal multiplexer. See proc_pid_stat(5).
 */
export async function sshSessionStart(proc = '/proc', pid = process.ppid): Promise<number | null> {
  const uptime = Number((await readFile(`${proc}/uptime`, 'utf8')).split(' ')[0])
  for (let at = pid, i = 0; at > 1 && i < MAX_ANCESTORS; i++) {
    const stat = await readFile(`${proc}/${at}/stat`, 'utf8').catch(ignoreMissing(null))
    const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat ?? '') ?? []
    const fields = rest.split(' ')
    const startedAfterBoot = Number(fields[19]) / TICKS
    if (name.startsWith('sshd')) return monotonicMs() - (uptime - startedAfterBoot) * 1000
    at = Number(fields[1] ?? 0)
  }
  return null
}
