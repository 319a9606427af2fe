import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mustRun } from '../../../../shared/command.ts'
import { BelayError, describeError } from '../../../../shared/errors.ts'
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
      const matching = (await entries(boot)).filter(({ id }) => wanted !== undefined && matches(id, wanted))
      return matching.length === 1 ? (matching[0]?.toplevel ?? null) : null
    },
    hasEntry: async (toplevel) => (await entries(boot)).some((entry) => entry.toplevel === toplevel),
    bootOnce: async (toplevel) => {
      const entry = (await entries(boot)).find((each) => each.toplevel === toplevel)
      const detail = { found: toplevel, wanted: 'an entry of this system', at: boot }
      if (entry === undefined)
        throw new BelayError('trial-boot-unavailable', `no boot entry of ${toplevel}`, detail)
      await mustRun(['bootctl', 'set-oneshot', entry.id], { timeoutMs }).catch((cause: unknown) => {
        const text = `the next boot cannot be chosen: ${describeError(cause)}`
        throw new BelayError('trial-boot-unavailable', text, { cause, wanted: 'writable EFI variables' })
      })
    },
    forgetOnce: async () => void (await mustRun(['bootctl', 'set-oneshot', ''], { timeoutMs }))
  }
}

/** What boots each entry: the directory of its `init`. The counter of a boot that is counted is no part of its name. */
async function entries(boot: string): Promise<readonly { id: string; toplevel: string | null }[]> {
  const directory = join(boot, 'loader/entries')
  const names = await readdir(directory).catch(ignoreMissing<string[]>([]))
  const known = names.filter((name) => name.endsWith('.conf'))
  return Promise.all(
    known.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8').catch(ignoreMissing(''))
      const init = /^options\s.*?\binit=(\S+)/m.exec(text)?.[1]
      return {
        id: name.replace(/\+\d+(-\d+)?\.conf$/, '.conf'),
        toplevel: init === undefined ? null : dirname(init)
      }
    })
  )
}

/** `default` is an entry's name with or without `.conf`, possibly with `*`. */
function matches(id: string, wanted: string): boolean {
  const plain = (text: string) => text.replace(/\.conf$/, '').replace(/\+\d+(-\d+)?$/, '')
  const pattern = plain(wanted).split('*').map(RegExp.escape).join('.*')
  return new RegExp(`^${pattern}$`).test(plain(id))
}
