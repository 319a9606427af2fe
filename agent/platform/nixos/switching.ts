import { readFile, stat } from 'node:fs/promises'
import { ignoreMissing } from '../nix/generations.ts'
import { isRunning } from './systemd.ts'
import { ACTIVATION_UNIT } from './transient-unit.ts'

/** Taken by switch-to-configuration while it works. */
export const SWITCH_LOCK = '/run/nixos/switch-to-configuration.lock'
/** In which `nixos-rebuild` and Belay switch. */
export const SWITCH_UNIT = `${ACTIVATION_UNIT}.service`

/** Who switches this host at this moment, by hand or otherwise: the unit, or the lock that is held; null for nobody. */
export async function whoSwitches(): Promise<typeof SWITCH_UNIT | typeof SWITCH_LOCK | null> {
  if (await isRunning(SWITCH_UNIT)) return SWITCH_UNIT
  return (await isHeld(SWITCH_LOCK)) ? SWITCH_LOCK : null
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
