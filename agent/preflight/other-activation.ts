import { readFile, stat } from 'node:fs/promises'
import { ignoreMissing } from '../platform/nix/generations.ts'
import { isRunning } from '../platform/nixos/systemd.ts'
import { ACTIVATION_UNIT } from '../platform/nixos/transient-unit.ts'
import type { Finding } from './check.ts'
import { check, fail, pass } from './check.ts'

const unit = `${ACTIVATION_UNIT}.service`
/** Taken by switch-to-configuration while it works. */
const LOCK = '/run/nixos/switch-to-configuration.lock'

/** Nobody else switches this host, by us or by hand. */
export const otherActivation = check({
  name: 'other-activation',
  look: async ({ unfinished }) => ({
    operation: unfinished,
    unit: await isRunning(unit),
    lock: await isHeld(LOCK)
  }),
  judge: judgeOthers
})

export function judgeOthers(seen: {
  readonly operation: string | null
  readonly unit: boolean
  readonly lock: boolean
}): Finding {
  const remedy = 'wait until it has ended'
  const text = 'somebody else is switching this host'
  if (seen.operation !== null)
    return fail(
      'operation-running',
      `operation ${seen.operation} has not ended`,
      `${remedy}: belay-agent status`
    )
  if (seen.unit)
    return fail('operation-running', `${text}: ${unit} runs`, `${remedy}: systemctl status ${unit}`)
  if (seen.lock)
    return fail('operation-running', `${text}: ${LOCK} is held`, `${remedy}: lslocks tells by whom`)
  return pass('nobody switches this host')
}

/** Asks the kernel's list: trying the lock would take it for a moment, and make the file. */
async function isHeld(lock: string): Promise<boolean> {
  const there = await stat(lock).catch(ignoreMissing(null))
  if (there === null) return false
  return holdsLock(await readFile('/proc/locks', 'utf8'), there)
}

/** Whether a line of /proc/locks is a lock on a file, waiting ones aside; see proc_locks(5). */
export function holdsLock(
  locks: string,
  { dev, ino }: { readonly dev: number; readonly ino: number }
): boolean {
  const hex = (n: number) => n.toString(16).padStart(2, '0')
  // As gnu_dev_major(3) has it, for major numbers below 4096.
  const major = Math.floor(dev / 2 ** 8) & 0xfff
  const minor = (dev & 0xff) | (Math.floor(dev / 2 ** 12) & 0xfff00)
  const id = `${hex(major)}:${hex(minor)}:${ino}`
  return locks.split('\n').some((line) => !line.includes('->') && line.split(/\s+/).includes(id))
}
