import { readFile, readlink, rm, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { runCommand } from '../../../shared/command.ts'
import { durableWrite, syncDirectory } from '../../../shared/durable-write.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Settings } from '../../config/settings.ts'
import { heard } from '../../operation/control.ts'
import type { Ports } from '../../operation/ports.ts'
import { rebootIsDue } from '../../operation/reboot-policy.ts'
import { ignoreMissing, readGenerations } from '../nix/generations.ts'
import { replaceLink } from '../nix/profile.ts'
import type { BootLoader } from './boot-loader/boot-loader.ts'
import { bootLoaderOf } from './boot-loader/boot-loader.ts'
import { GUARD_SECONDS, writeGuard } from './guard.ts'
import { isRunning, stopUnit } from './systemd.ts'
import { TRIAL_UNIT } from './units.ts'

/** The effects of a trial boot. */
type TrialPorts = Pick<Ports, 'stage' | 'unstage' | 'mayReboot' | 'reboot' | 'bootFinished'>

/** What the trial boot of one operation needs to know. */
export interface TrialOptions {
  readonly directory: string
  readonly settings: Settings
  readonly bootId: string
  /** Installs the boot loader with this system as the default. */
  readonly installBoot: (toplevel: string) => Promise<void>
}

/**
 * Boots a generation once, with the boot default as it is. The directory of the operation has a file `trial`, "BOOT
 * CANDIDATE": the boot in which it was staged, and what is tried; and a link from the state directory leads {@link TRIAL_UNIT} there.
 */
export function trialBoot({ directory, settings, bootId, installBoot }: TrialOptions) {
  const { stateDirectory, bootDirectory, limits, profile } = settings
  const link = join(stateDirectory, 'trial')
  const marker = join(directory, 'trial')
  const stagedIn = async () =>
    (await readFile(marker, 'utf8').catch(ignoreMissing(null)))?.split(' ')[0] ?? null
  const isOurs = async () => (await readlink(link).catch(ignoreMissing(null))) === directory

  async function withdraw(): Promise<void> {
    if (await isOurs()) await rm(link, { force: true })
    await rm(marker, { force: true })
    await syncDirectory(stateDirectory)
  }

  const ports: TrialPorts = {
    stage: async (baseline, storePath) => {
      const loader = await bootLoaderOf(bootDirectory)
      if (loader === null) throw unavailable(bootDirectory)
      await addGeneration(profile, storePath)
      await installBoot(baseline.profile.storePath)
      await assertEntries(loader, storePath, baseline.profile.storePath)
      await writeGuard({ directory, settings, baseline })
      const seconds = limits.bootSeconds + limits.activationSeconds + limits.agentSeconds + GUARD_SECONDS
      await durableWrite(join(directory, 'window'), `trial ${seconds}\n`)
      await durableWrite(marker, `${bootId} ${storePath}\n`)
      await replaceLink(directory, link)
      await loader.bootOnce(storePath).catch(async (error: unknown) => {
        await withdraw()
        throw error
      })
    },
    unstage: async () => {
      // What was never staged was never chosen; asking for less than that may not be possible here.
      if ((await stagedIn()) !== null) await (await bootLoaderOf(bootDirectory))?.forgetOnce()
    },
    mayReboot: async () =>
      settings.reboot.policy !== 'never' &&
      (rebootIsDue(settings, Date.now()) || (await heard(directory, 'reboot')) !== null),
    reboot: async () => void (await runCommand(['systemctl', '--no-block', 'reboot'], { timeoutMs: 30_000 })),
    bootFinished: async () =>
      void (await runCommand(['systemctl', 'is-system-running', '--wait'], {
        timeoutMs: limits.bootSeconds * 1000
      }))
  }
  return {
    ports,
    /** True when the guard of this operation is that of a trial boot. */
    isStaged: async () => (await stagedIn()) !== null,
    /** Starts the countdown of a trial boot again. Before the reboot there is nothing to count. */
    arm: async (seconds: number, serial: number) => {
      const window = join(directory, 'window')
      const counted = await readFile(window, 'utf8').catch(ignoreMissing(''))
      if (counted.split(' ')[0] !== String(serial)) await durableWrite(window, `${serial} ${seconds}\n`)
      if ((await stagedIn()) === bootId || (await isRunning(TRIAL_UNIT))) return
      await runCommand(['systemctl', 'start', TRIAL_UNIT], { timeoutMs: 30_000 })
      if (!(await isRunning(TRIAL_UNIT)))
        throw new BelayError('command-failed', 'the guard of the trial boot does not run', {
          found: TRIAL_UNIT
        })
    },
    settle: async () => {
      if ((await stagedIn()) === null) return
      await withdraw()
      await stopUnit(TRIAL_UNIT)
    }
  }
}

/** A generation of its own, which the boot loader makes an entry for, while the profile stays where it is. */
async function addGeneration(profile: string, storePath: string): Promise<void> {
  const all = await readGenerations(profile)
  if (all.some((generation) => generation.storePath === storePath)) return
  const number = Math.max(0, ...all.map((generation) => generation.number)) + 1
  await symlink(storePath, join(dirname(profile), `${basename(profile)}-${number}-link`))
  await syncDirectory(dirname(profile))
}

/** The candidate can be booted, and the baseline is what boots otherwise. */
async function assertEntries(loader: BootLoader, storePath: string, baseline: string): Promise<void> {
  const found = await loader.bootDefault()
  if (found !== null && found !== baseline) {
    const text = `${loader.name} boots ${found} by default`
    throw new BelayError('trial-boot-unavailable', text, { found, wanted: baseline })
  }
  if (await loader.hasEntry(storePath)) return
  throw new BelayError('trial-boot-unavailable', `${loader.name} has no entry of ${storePath}`, {
    found: 'no entry',
    wanted: storePath
  })
}

function unavailable(boot: string): BelayError {
  return new BelayError(
    'trial-boot-unavailable',
    'no boot loader that boots a generation once is known here',
    {
      found: `neither loader/loader.conf nor grub/grub.cfg in ${boot}`,
      wanted: 'systemd-boot or GRUB; or mode switch'
    }
  )
}
