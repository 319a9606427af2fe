import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from '../fleet/host.ts'

/** A host's files as its own processes see them, read from outside so that the look costs the host nothing. */
export function pathIn(host: Host, path: string): string {
  return join(`/proc/${host.leader}/root`, path)
}

const read = (host: Host, path: string) => readFileSync(pathIn(host, path), 'utf8')
const cgroup = (unit?: string) => `/sys/fs/cgroup${unit === undefined ? '' : `/system.slice/${unit}`}`

/** CPU time in milliseconds that a unit, or the whole host, has taken with all that it started. */
export function cpuMs(host: Host, unit?: string): number {
  return Number(/^usage_usec (\d+)$/m.exec(read(host, `${cgroup(unit)}/cpu.stat`))?.[1]) / 1000
}

/** Processes of a unit, by their numbers on this machine. */
function pidsOf(host: Host, unit: string): readonly string[] {
  return read(host, `${cgroup(unit)}/cgroup.procs`)
    .split('\n')
    .filter(Boolean)
}

/** Memory of a process in MiB. */
export interface Memory {
  readonly rss: number
  /** What belongs to the process alone: heap and stacks, without the mapped program. */
  readonly anonymous: number
}

/** Memory of the one process of a unit. */
export function memoryOf(host: Host, unit: string): Memory {
  const rollup = readFileSync(`/proc/${onlyPid(host, unit)}/smaps_rollup`, 'utf8')
  const mib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(rollup)?.[1]) / 1024
  return { rss: mib('Rss'), anonymous: mib('Anonymous') }
}

/** How often the threads of the one process of a unit have gone to sleep, and so been woken. */
export function sleepsOf(host: Host, unit: string): number {
  const tasks = `/proc/${onlyPid(host, unit)}/task`
  return readdirSync(tasks)
    .map((task) =>
      Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(`${tasks}/${task}/status`, 'utf8'))?.[1])
    )
    .reduce((sum, count) => sum + count, 0)
}

function onlyPid(host: Host, unit: string): string {
  const [pid, ...others] = pidsOf(host, unit)
  if (pid === undefined || others.length > 0)
    throw new Error(`${unit} has ${others.length + (pid ? 1 : 0)} processes`)
  return pid
}
