import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ignoreMissing } from '../nix/generations.ts'

/** An entry of systemd-boot that boots a system of the store. */
export interface BootEntry {
  /** By its `version`, never by its name: newer builders name entries by a hash. Null where it does not say. */
  readonly number: number | null
  readonly storePath: string
}

/** The entries of systemd-boot; null where there is no systemd-boot, so that nothing can be said about entries. */
export async function readBootEntries(boot: string): Promise<readonly BootEntry[] | null> {
  const directory = join(boot, 'loader/entries')
  const names = await readdir(directory).catch(ignoreMissing(null))
  if (names === null) return null
  const files = names.filter((name) => name.endsWith('.conf'))
  const texts = await Promise.all(files.map((name) => readFile(join(directory, name), 'utf8')))
  return texts.flatMap((text) => {
    const storePath = /^options\s.*?\binit=(\S+)\/init\b/m.exec(text)?.[1]
    const number = /^version\s+Generation (\d+)\b/m.exec(text)?.[1]
    return storePath === undefined
      ? []
      : [{ number: number === undefined ? null : Number(number), storePath }]
  })
}

/** A generation by number, with the systems that entries of it boot. */
export interface Bootable {
  readonly number: number
  readonly systems: readonly string[]
}

const has = (entries: readonly BootEntry[], { number, systems }: Bootable) =>
  entries.some((entry) => (entry.number ?? number) === number && systems.includes(entry.storePath))

/**
 * Generations that should have an entry and have none. A builder writes entries of the newest so many alone, and nobody
 * tells us how many: what lies below all that have one is beyond that limit, unless it had an entry before.
 */
export function withoutEntry(
  generations: readonly Bootable[],
  before: readonly BootEntry[],
  after: readonly BootEntry[]
): readonly number[] {
  const lowest = generations.find((generation) => has(after, generation))?.number ?? 0
  return generations
    .filter((generation) => !has(after, generation))
    .filter((generation) => generation.number > lowest || has(before, generation))
    .map(({ number }) => number)
}

/** Entries that say they are a generation's which is not among these; `others` are systems of other profiles. */
export function stale(
  entries: readonly BootEntry[],
  generations: readonly Bootable[],
  others: readonly string[]
): readonly BootEntry[] {
  return entries.filter(
    (entry) =>
      entry.number !== null &&
      !others.includes(entry.storePath) &&
      !generations.some((generation) => has([entry], generation))
  )
}
