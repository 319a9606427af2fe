import { readdir, realpath, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { ignoreMissing } from '../platform/nix/generations.ts'
import type { Finding, Subject } from './check.ts'
import { check, fail, pass, unknown } from './check.ts'

/** Free room of a file system. No inodes at all: it makes them as they are needed. */
export interface Room {
  readonly bytes: number
  readonly inodes: number | null
}

/** Room in the store. The closure is there already: what is asked for is only what must stay free. */
export const spaceStore = spaceAt('space-store', {
  at: () => '/nix/store',
  need: async () => 0,
  margin: ({ settings }) => settings.preflight.storeBytes,
  remedy: 'nix-collect-garbage, after a look at the roots: nix-store --gc --print-roots'
})

/** Room for the boot entry, and for kernel and initrd where they are not there yet. */
export const spaceBoot = spaceAt('space-boot', {
  at: ({ settings }) => settings.bootDirectory,
  need: ({ storePath, settings }) => bootNeed(storePath, settings.bootDirectory),
  margin: ({ settings }) => settings.preflight.bootBytes,
  remedy:
    'delete old generations and let the boot loader drop their kernels: nix-collect-garbage -d, then switch'
})

/** Room for the journal of the operation. */
export const spaceState = spaceAt('space-state', {
  at: ({ settings }) => settings.stateDirectory,
  need: async () => 0,
  margin: ({ settings }) => settings.preflight.stateBytes,
  remedy: 'make room there, or set keepOperations lower'
})

function spaceAt(
  name: 'space-store' | 'space-boot' | 'space-state',
  of: {
    readonly at: (subject: Subject) => string
    readonly need: (subject: Subject) => Promise<number>
    readonly margin: (subject: Subject) => number
    readonly remedy: string
  }
) {
  return check({
    name,
    look: async (subject) => ({ room: await roomAt(of.at(subject)), need: await of.need(subject) }),
    judge: ({ room, need }, subject) => {
      const { remedy } = of
      const where = of.at(subject)
      if (room === null) return unknown(`${where} is not there`)
      return judgeRoom({
        where,
        room,
        need,
        margin: of.margin(subject),
        inodes: subject.settings.preflight.inodes,
        remedy
      })
    }
  })
}

/** A file system of no size at all is not judged: it is made up by the kernel. */
export function judgeRoom(of: {
  readonly where: string
  readonly room: Room
  readonly need: number
  readonly margin: number
  readonly inodes: number
  readonly remedy: string
}): Finding {
  const { where, room, need, margin, inodes, remedy } = of
  const needed = need > 0 ? `, ${size(need)} are needed` : ''
  const left = room.inodes === null ? '' : `, ${room.inodes} inodes`
  const evidence = `${where}: ${size(room.bytes)} free${needed}, ${size(margin)} must stay${left}`
  if (room.bytes < need + margin) return fail('no-space', evidence, remedy)
  if (room.inodes !== null && room.inodes < inodes)
    return fail('no-space', `${evidence}, ${inodes} must stay`, remedy)
  return pass(evidence)
}

/** Bytes for a person. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

async function roomAt(directory: string): Promise<Room | null> {
  const found = await statfs(directory).catch(ignoreMissing(null))
  if (found === null) return null
  return { bytes: found.bavail * found.bsize, inodes: found.files === 0 ? null : found.ffree }
}

/** Bytes of kernel and initrd that the boot loader's builder would copy. It names its copies by their store paths. */
async function bootNeed(storePath: string, boot: string): Promise<number> {
  const folders = ['EFI/nixos', 'kernels'].map((name) => readdir(join(boot, name)).catch(ignoreMissing([])))
  const there = (await Promise.all(folders)).flat()
  const sizes = ['kernel', 'initrd'].map(async (name) => {
    const file = await realpath(join(storePath, name)).catch(ignoreMissing(null))
    if (file === null || there.some((copy) => isCopyOf(file, copy))) return 0
    return (await stat(file)).size
  })
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0)
}

/** `/nix/store/HASH-linux-6.12/bzImage` is copied as `HASH-linux-6.12-bzImage`, with `.efi` for systemd-boot. */
export function isCopyOf(file: string, copy: string): boolean {
  const name = file.split('/').slice(3).join('-')
  return copy === name || copy === `${name}.efi`
}
