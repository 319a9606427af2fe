import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runCommand } from '../../shared/command.ts'

/** Below this directory each running fleet has one; on a real file system, since an overlay cannot lie on another. */
export const fleetsDir = process.env.BELAY_FLEETS || '/var/tmp/belay-fleet'

/** The network namespace of a fleet. */
export function netnsOf(id: string): string {
  return `belay-${id}`
}

/** The control groups of a fleet: cgroup 2, and systemd's own hierarchy where cgroup 1 is mounted beside it. */
export function cgroupsOf(id: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return mounts.flatMap((line) => {
    const [before, after] = line.split(' - ')
    const wanted =
      after?.startsWith('cgroup2 ') || (after?.startsWith('cgroup ') && after.includes('name=systemd'))
    const point = before?.split(' ')[4]
    return wanted && point ? [join(point, `belay-fleet-${id}`)] : []
  })
}

/** Start time of a process in clock ticks, which with its number identifies it; undefined when it is gone. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** Makes the directory of a fleet that belongs to this process. */
export function claimDirectory(id: string): string {
  const directory = join(fleetsDir, id)
  mkdirSync(fleetsDir, { recursive: true })
  mkdirSync(directory)
  writeFileSync(join(directory, 'owner'), `${process.pid} ${startTime(process.pid)}`)
  return directory
}

function ownerLives(directory: string): boolean {
  try {
    const [pid, started] = readFileSync(join(directory, 'owner'), 'utf8').split(' ')
    return startTime(Number(pid)) === started
  } catch {
    // Between mkdir and the owner file lie microseconds.
    const made = statSync(directory, { throwIfNoEntry: false })?.mtimeMs
    return made === undefined || Date.now() - made < 60_000
  }
}

/** Removes what is left of fleets whose process is dead. */
export async function removeLeftovers(): Promise<void> {
  if (!existsSync(fleetsDir)) return
  for (const id of readdirSync(fleetsDir)) {
    const directory = join(fleetsDir, id)
    if (existsSync(directory) && !ownerLives(directory)) await tearDown(id)
  }
}

function below(directory: string): string[] {
  try {
    const children = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return [...children.flatMap((entry) => below(join(directory, entry.name))), directory]
  } catch {
    return []
  }
}

function processesOf(id: string): number[] {
  return cgroupsOf(id)
    .flatMap(below)
    .flatMap((group) => {
      try {
        return readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').map(Number)
      } catch {
        return []
      }
    })
    .filter((pid) => pid > 0)
}

function mountsOf(id: string): string[] {
  const prefix = `${join(fleetsDir, id)}/`
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.map((line) => line.split(' ')[4] ?? '').filter((point) => point.startsWith(prefix))
}

/** The lock that a killed systemd-nspawn leaves behind for each root it had. */
function locksOf(id: string): string[] {
  return mountsOf(id).flatMap((point) => {
    const found = statSync(point, { throwIfNoEntry: false })
    const lock = `/run/systemd/nspawn/locks/inode-${found?.dev}:${found?.ino}`
    return existsSync(lock) ? [lock] : []
  })
}

/** What a fleet still has on this machine; empty after a complete teardown. */
export function tracesOf(id: string): string[] {
  const nspawn = '/run/systemd/nspawn/propagate'
  const machines = existsSync(nspawn) ? readdirSync(nspawn).filter((name) => name.startsWith(`${id}-`)) : []
  return [
    ...processesOf(id).map((pid) => `process ${pid}`),
    ...mountsOf(id).map((point) => `mount ${point}`),
    ...cgroupsOf(id).filter((group) => existsSync(group)),
    ...[join('/run/netns', netnsOf(id)), join(fleetsDir, id)].filter((path) => existsSync(path)),
    ...machines.map((name) => join(nspawn, name))
  ]
}

/** Removes control groups that have no process. */
export function removeGroups(groups: readonly string[]): void {
  for (const group of groups.flatMap(below)) {
    try {
      rmdirSync(group)
    } catch {
      // Gone already, or its last process is not yet reaped: the caller looks at the traces.
    }
  }
}

/** Ends and removes everything of one fleet, whoever started it. Safe to run twice at once. */
export async function tearDown(id: string): Promise<void> {
  const quiet = { timeoutMs: 60_000 }
  for (let round = 0; round < 500 && processesOf(id).length > 0; round++) {
    for (const pid of processesOf(id)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // Ended meanwhile.
      }
    }
    await delay(20)
  }
  const locks = locksOf(id)
  for (let round = 0; round < 50 && mountsOf(id).length > 0; round++) {
    const lazily = round > 25 ? ['-l'] : []
    for (const point of mountsOf(id).reverse()) await runCommand(['umount', ...lazily, point], quiet)
    if (mountsOf(id).length > 0) await delay(40)
  }
  if (existsSync(join('/run/netns', netnsOf(id)))) {
    await runCommand(['ip', 'netns', 'delete', netnsOf(id)], quiet)
  }
  const machines = tracesOf(id).filter((trace) => trace.startsWith('/run/systemd/nspawn/'))
  // A host with a full store has some ten thousand files, on a disk that others use as well.
  const remove = ['rm', '-rf', '--one-file-system', join(fleetsDir, id), ...machines, ...locks]
  await runCommand(remove, { timeoutMs: 600_000 })
  for (let round = 0; round < 50 && tracesOf(id).length > 0; round++) {
    removeGroups(cgroupsOf(id))
    await delay(20)
  }
}

if (import.meta.main) {
  const id = basename(process.argv[2] ?? '')
  if (id) await tearDown(id)
  const traces = id ? tracesOf(id) : ['no fleet named']
  process.exitCode = traces.length > 0 ? 1 : 0
  if (traces.length > 0) console.error(traces.join('\n'))
}
