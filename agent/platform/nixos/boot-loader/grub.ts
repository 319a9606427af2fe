import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../../../../shared/command.ts'
import { BelayError } from '../../../../shared/errors.ts'
import { ignoreMissing } from '../../nix/generations.ts'
import type { BootLoader } from './boot-loader.ts'

const timeoutMs = 30_000
/** GRUB reads these and cannot write them: what boots once would boot for ever. Source: GRUB manual, "Environment block". */
const UNWRITABLE = { filesystems: ['btrfs', 'zfs'], devices: /^\/dev\/(md|dm-|mapper\/)/ }

/** An entry of `grub.cfg` that boots a system. */
export interface GrubEntry {
  /** What GRUB takes for this entry: titles from the outermost submenu, joined by `>`. */
  readonly id: string
  /** Place in the outermost menu, from 0; null inside a submenu. */
  readonly index: number | null
  readonly toplevel: string
}

/**
 * GRUB as NixOS installs it: `grub.cfg` with an entry for each generation, and one variable of the environment block
 * that it reads and deletes at the next boot: `next_entry`, or `saved_entry` in older releases.
 */
export async function grub(boot: string): Promise<BootLoader | null> {
  const file = join(boot, 'grub/grub.cfg')
  const read = () => readFile(file, 'utf8').catch(ignoreMissing(null))
  if ((await read()) === null) return null
  const environment = async (...words: readonly string[]) =>
    mustRun(['grub-editenv', join(boot, 'grub/grubenv'), ...words], { timeoutMs })
  const entries = async () => grubEntries((await read()) ?? '')
  return {
    name: 'GRUB',
    bootDefault: async () => {
      const index = /^\s*set default="?(\d+)"?\s*$/m.exec((await read()) ?? '')?.[1]
      return (await entries()).find((entry) => entry.index === Number(index ?? Number.NaN))?.toplevel ?? null
    },
    hasEntry: async (toplevel) => (await entries()).some((entry) => entry.toplevel === toplevel),
    bootOnce: async (toplevel) => {
      const variable = onceVariable((await read()) ?? '')
      const entry = (await entries()).find((each) => each.toplevel === toplevel)
      if (variable === null || entry === undefined)
        throw new BelayError('trial-boot-unavailable', `${file} has no way to boot ${toplevel} once`, {
          found: variable === null ? 'no next_entry' : 'no entry',
          wanted: toplevel,
          at: file
        })
      await assertWritable(join(boot, 'grub'))
      await environment('create').catch(() => {}) // there already
      await environment('set', `${variable}=${entry.id}`)
    },
    forgetOnce: async () => {
      const variable = onceVariable((await read()) ?? '')
      if (variable !== null) await environment('unset', variable)
    }
  }
}

/** The variable that this `grub.cfg` deletes when it has read it; null where it knows none. */
function onceVariable(config: string): 'next_entry' | 'saved_entry' | null {
  for (const name of ['next_entry', 'saved_entry'] as const)
    if (new RegExp(`^\\s*set ${name}=\\s*$`, 'm').test(config)) return name
  return null
}

/** The entries that boot a system, in the order of the menu. */
export function grubEntries(config: string): readonly GrubEntry[] {
  const found: GrubEntry[] = []
  const open: (string | null)[] = []
  let top = -1
  for (const line of config.split('\n')) {
    const [, kind, double, single] =
      /^\s*(menuentry|submenu)\s+(?:"((?:[^"\\]|\\.)*)"|'([^']*)').*\{\s*$/.exec(line) ?? []
    if (kind !== undefined) {
      if (open.length === 0) top += 1
      open.push((double?.replace(/\\(.)/g, '$1') ?? single ?? '').replaceAll('>', '>>'))
    } else if (/\{\s*$/.test(line)) open.push(null)
    else if (/^\s*\}\s*$/.test(line)) open.pop()
    const toplevel = /\sinit=(\/\S+)\/init(\s|$)/.exec(line)?.[1]
    const titles = open.filter((title) => title !== null)
    if (toplevel !== undefined && titles.length > 0)
      found.push({ id: titles.join('>'), index: titles.length === 1 ? top : null, toplevel })
  }
  return found
}

/** Refuses where GRUB could not delete what it has read. */
async function assertWritable(directory: string): Promise<void> {
  const argv = ['findmnt', '--noheadings', '--raw', '--output', 'FSTYPE,SOURCE', '--target', directory]
  const [filesystem = '', source = ''] = (await mustRun(argv, { timeoutMs })).stdout.trim().split(' ')
  if (!UNWRITABLE.filesystems.includes(filesystem) && !UNWRITABLE.devices.test(source)) return
  throw new BelayError('trial-boot-unavailable', `GRUB cannot write to ${directory}`, {
    found: `${filesystem} on ${source}`,
    wanted: 'a file system that GRUB can write, on a plain partition',
    at: directory
  })
}
