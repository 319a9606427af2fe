import { readFileSync } from 'node:fs'
import { runCommand } from '../../../shared/command.ts'
import { failedUnits } from '../../platform/nixos/systemd.ts'
import type { BootBefore } from './reboot.ts'
import { bootBefore } from './reboot.ts'
import type { Sign } from './soak-clock.ts'
import { readSign } from './soak-clock.ts'

/** What the host around can tell. */
export interface Witness {
  sign(): Sign
  /** Looks at what `sign` cannot wait for; asked before every round. */
  refresh?(): Promise<void>
  /** The clock of the journals goes on during sleep; where nothing is said it stands still. */
  readonly journalClock?: 'boot'
  /** CLOCK_MONOTONIC at which this boot began. */
  upMs(now: Sign): number
  bootBefore(bootId: string): Promise<BootBefore>
  failedUnits(): Promise<readonly string[]>
  /** How long systemd took to bring user space up; null while it has not ended or cannot be told. */
  bootSeconds(): Promise<number | null>
}

/** Asks the kernel and systemd. */
export function hostWitness(bootId: string): Witness {
  return {
    sign: () => readSign(bootId),
    upMs: (now) => Math.max(0, initStartedMs() - (now.bootMs - now.monotonicMs)),
    bootBefore,
    failedUnits,
    bootSeconds
  }
}

/** CLOCK_BOOTTIME of the first process, which in a container is not near zero. In hundredths of a second, proc(5). */
function initStartedMs(): number {
  const stat = readFileSync('/proc/1/stat', 'utf8')
  const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  return Number.isFinite(started) ? started * 10 : 0
}

async function bootSeconds(): Promise<number | null> {
  const properties = '--property=UserspaceTimestampMonotonic,FinishTimestampMonotonic'
  const { stdout } = await runCommand(['systemctl', 'show', properties], { timeoutMs: 10_000 })
  const of = (name: string) =>
    Number(new RegExp(`^${name}TimestampMonotonic=(\\d+)$`, 'm').exec(stdout)?.[1] ?? 0)
  const [from, to] = [of('Userspace'), of('Finish')]
  return to > from ? (to - from) / 1e6 : null
}
