import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mustRun } from '../../../../shared/command.ts'
import { BelayError } from '../../../../shared/errors.ts'
import { ignoreMissing } from '../../nix/generations.ts'
import type { BootLoader } from './boot-loader.ts'

const timeoutMs = 30_000

/**
 * systemd-boot, by its files. Entry names are never read for a number: newer builders use hashes. What boots once is an
 * EFI variable, which `bootctl` writes and the boot loader clears before it starts the entry. See bootctl(1).
 */
export async function systemdBoot(boot: string): Promise<BootLoader | null> {
  const read = () => readFile(join(boot, 'loader/loader.conf'), 'utf8').catch(ignoreMissing(null))
  if ((await read()) === null) return null
  return {
    name: 'systemd-boot',
    bootDefault: async () => {
      const wanted = /^default\s+(\S+)\s*$/m.exec((await read()) ?? '')?.[1]
      const matching = (await names(boot)).filter((name) => wanted !== undefined && matches(name, wanted))
      const [only] = matching
      return only === undefined || matching.length > 1 ? null : toplevelOf(boot, only)
    },
    hasEntry: async (toplevel) => (await entries(boot)).some((entry) => entry.toplevel === toplevel),
    bootOnce: async (toplevel) => {
      const entry = (await entries(boot)).find((each) => each.toplevel === toplevel)
      const detail = { found: toplevel, wanted: 'an entry of this system', at: boot }
      if (entry === undefined)
        throw new BelayError('trial-boot-unavailable', `no boot entry of ${toplevel}`, detail)
      await mustRun(['bootctl', 'set-oneshot', entry.id], { timeoutMs }).catch((cause: unknown) => {
        throw new BelayError('trial-boot-unavailable', 'the next boot cannot be chosen', {
          cause,
          wanted: 'writable EFI variables'
        })
      })
    },
    forgetOnce: async () => void (await mustRun(['bootctl', 'set-oneshot', ''], { timeoutMs }))
  }
}

/** Files of the entries. */
async function names(boot: string): Promise<readonly string[]> {
  const all = await readdir(join(boot, 'loader/entries')).catch(ignoreMissing<string[]>([]))
  return all.filter((name) => name.endsWith('.conf'))
}

/** What an entry boots: the directory of its `init`. */
async function toplevelOf(boot: string, name: string): Promise<string | null> {
  const text = await readFile(join(boot, 'loader/entries', name), 'utf8').catch(ignoreMissing(''))
  const init = /^options\s.*?\binit=(\S+)/m.exec(text)?.[1]
  return init === undefined ? null : dirname(init)
}

/**
 * Every entry by what systemd-boot finds it with: its name. Of one whose boots are counted, releases differ in whether
 * the counter is part of that, and the counter changes; a pattern with either is right for all, for it compares as fnmatch(3).
 */
async function entries(boot: string): Promise<readonly { id: string; toplevel: string | null }[]> {
  const entry = async (name: string) => ({
    id: name.replace(/\+\d+(-\d+)?\.conf$/, '[.+]*'),
    toplevel: await toplevelOf(boot, name)
  })
  return Promise.all((await names(boot)).map(entry))
}

/** `default` is an entry's name with or without `.conf`, possibly with `*`. */
function matches(id: string, wanted: string): boolean {
  const plain = (text: string) => text.replace(/\.conf$/, '').replace(/\+\d+(-\d+)?$/, '')
  const pattern = plain(wanted).split('*').map(RegExp.escape).join('.*')
  return new RegExp(`^${pattern}$`).test(plain(id))
}
