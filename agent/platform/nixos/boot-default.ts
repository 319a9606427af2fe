import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ignoreMissing } from '../nix/generations.ts'

/**
 * The system that boots next under systemd-boot: the toplevel in `options init=…/init` of the entry that
 * `loader.conf` names as default. Entry names are never read for a number: newer builders use hashes. Null where there
 * is no systemd-boot, or where the default is a pattern that no entry, or more than one, matches.
 */
export async function readBootDefault(boot: string): Promise<string | null> {
  const conf = await readFile(join(boot, 'loader/loader.conf'), 'utf8').catch(ignoreMissing(''))
  const wanted = /^default\s+(\S+)\s*$/m.exec(conf)?.[1]
  if (wanted === undefined) return null
  const names = await readdir(join(boot, 'loader/entries')).catch(ignoreMissing<string[]>([]))
  const matching = names.filter((name) => name.endsWith('.conf') && matches(name, wanted))
  const [only] = matching
  if (only === undefined || matching.length > 1) return null
  return initOf(await readFile(join(boot, 'loader/entries', only), 'utf8').catch(ignoreMissing('')))
}

/** `default` is an entry's name with or without `.conf`, possibly with `*`; boot counting adds `+LEFT[-DONE]`. */
function matches(name: string, wanted: string): boolean {
  const plain = (text: string) => text.replace(/\.conf$/, '').replace(/\+\d+(-\d+)?$/, '')
  const pattern = plain(wanted).split('*').map(RegExp.escape).join('.*')
  return new RegExp(`^${pattern}$`).test(plain(name))
}

/** The toplevel that an entry boots. */
function initOf(entry: string): string | null {
  const init = /^options\s.*?\binit=(\S+)/m.exec(entry)?.[1]
  return init === undefined ? null : dirname(init)
}
