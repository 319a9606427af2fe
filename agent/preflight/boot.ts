import { randomBytes } from 'node:crypto'
import { open, readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ignoreMissing } from '../platform/nix/generations.ts'
import { bootLoaderOf } from '../platform/nixos/boot-loader/boot-loader.ts'
import type { Finding } from './check.ts'
import { check, fail, pass, unknown } from './check.ts'

/** Where a directory's file system is mounted, and whether it can be written. */
export interface Mount {
  readonly at: string
  readonly readOnly: boolean
}

/** The next boot entry can be written. */
export const bootWritable = check({
  name: 'boot-writable',
  look: async ({ settings, looking }) => {
    const boot = await realpath(settings.bootDirectory).catch(ignoreMissing(null))
    if (boot === null) return null
    const mount = mountOf(await mountsOfHost(), boot)
    const probed = looking === 'only' || mount?.readOnly ? null : await probe(boot)
    return { boot, mount, probed }
  },
  judge: (seen, { settings }) =>
    seen === null ? unknown(`${settings.bootDirectory} is not there`) : judgeBoot(seen)
})

/** `probed`: null where no file was written to try it, true where one was, or else what went wrong. */
export function judgeBoot(seen: {
  readonly boot: string
  readonly mount: Mount | null
  readonly probed: true | string | null
}): Finding {
  const { boot, mount, probed } = seen
  const remedy = `mount -o remount,rw ${mount?.at ?? boot}; a file system that turns read-only wants an fsck`
  if (mount === null) return unknown(`nothing tells where ${boot} is mounted`)
  if (mount.readOnly) return fail('boot-not-writable', `${mount.at} is mounted read-only`, remedy)
  if (probed === null) return pass(`${mount.at} is mounted read-write`)
  if (probed === true) return pass(`a file could be written to ${boot}, and removed`)
  return fail('boot-not-writable', `${boot} cannot be written: ${probed}`, remedy)
}

/**
 * Mounts as PID 1 has them. The agent's own come from there and follow, but for one that is turned read-only by itself
 * (`remount,bind,ro`) and not with its file system. Who is not root may not look there, and has no namespace either.
 */
const mountsOfHost = () =>
  readFile('/proc/1/mountinfo', 'utf8').catch(() => readFile('/proc/self/mountinfo', 'utf8'))

/** The mount that a path is on: the longest that contains it, and of those the last; see proc_pid_mountinfo(5). */
export function mountOf(mountinfo: string, path: string): Mount | null {
  let found: Mount | null = null
  for (const line of mountinfo.split('\n')) {
    const [, , , , point, options = '', ...rest] = line.split(' ')
    if (point === undefined) continue
    const at = point.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8))
    )
    const contains = at === '/' || path === at || path.startsWith(`${at}/`)
    if (!contains || (found !== null && at.length < found.at.length)) continue
    const superOptions = rest.at(-1) ?? ''
    found = { at, readOnly: [options, superOptions].some((words) => words.split(',').includes('ro')) }
  }
  return found
}

async function probe(boot: string): Promise<true | string> {
  const file = join(boot, `.belay-${randomBytes(6).toString('hex')}`)
  try {
    const handle = await open(file, 'wx', 0o600)
    await handle.sync().finally(() => handle.close())
    return true
  } catch (error) {
    return (error as Error).message
  } finally {
    await rm(file, { force: true }).catch(() => {})
  }
}

/** The running system stands in the boot menu, so that a host which does not come up can be brought back there. */
export const bootEntry = check({
  name: 'baseline-boot-entry',
  look: async ({ settings, seen }) => {
    const loader = await bootLoaderOf(settings.bootDirectory)
    if (loader === null || seen.running === null) return null
    return { loader: loader.name, has: await loader.hasEntry(seen.running) }
  },
  judge: (seen, subject) => judgeEntry(seen, subject.seen.running)
})

export function judgeEntry(
  seen: { readonly loader: string; readonly has: boolean } | null,
  running: string | null
): Finding {
  if (seen === null) return unknown('neither systemd-boot nor GRUB is here; others are not read')
  if (seen.has) return pass(`${seen.loader} has an entry of the running system`)
  const remedy = `${running}/bin/switch-to-configuration boot writes one; is the boot partition mounted?`
  return fail('baseline-not-bootable', `${seen.loader} has no entry of the running system`, remedy)
}
