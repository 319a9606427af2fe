import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRun } from '../../../shared/command.ts'
import { loadedProperties, readLoadedUnits, readUnitStates } from '../../preview/loaded-units.ts'
import type { Loaded } from '../../preview/services.ts'
import type { UnitFiles } from '../../preview/unit-tree.ts'
import { templateOf } from '../../preview/unit-tree.ts'
import { ignoreMissing } from '../nix/generations.ts'
import { readStoreFile } from '../nix/store-file.ts'

/** Bytes of a unit file. */
const MAX_UNIT = 1024 * 1024
const limits = { timeoutMs: 30_000, maxOutput: 16 * 1024 * 1024 }

/** Reads the unit directory of a generation: that of a system where no other is named. */
export async function readUnitFiles(generation: string, folder = 'etc/systemd/system'): Promise<UnitFiles> {
  const directory = join(generation, folder)
  const files = new Map<string, string | null>()
  const dropins = new Map<string, readonly string[]>()
  const pulls = new Map<string, string[]>()
  const aliases = new Map<string, string>()
  const names = await readdir(directory).catch(ignoreMissing<string[]>([]))
  await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name)
      const [, of = '', kind] = /^(.+)\.(d|wants|requires|upholds)$/.exec(name) ?? []
      if (kind === 'd') dropins.set(of, await readDropins(path))
      else if (kind !== undefined) pulls.set(of, [...(pulls.get(of) ?? []), ...(await namesIn(path))])
      else if (/\.[a-z]+$/.test(name)) {
        const target = await readlink(path).catch(() => '')
        // A link to another name in the same directory.
        if (target !== '' && !target.includes('/')) aliases.set(name, target)
        else files.set(name, target === '/dev/null' ? null : await readStoreFile(path, MAX_UNIT))
      }
    })
  )
  return { files, dropins, pulls, aliases }
}

async function readDropins(directory: string): Promise<readonly string[]> {
  const names = (await namesIn(directory)).filter((name) => name.endsWith('.conf')).sort()
  const texts = await Promise.all(names.map((name) => readStoreFile(join(directory, name), MAX_UNIT)))
  return texts.filter((text) => text !== null)
}

const namesIn = (directory: string) =>
  readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })

/**
 * What systemd says of its units. Of one that neither generation has a file for only the state is asked: all properties
 * of all units are some 300 each.
 */
export async function readLoaded(...generations: readonly UnitFiles[]): Promise<Loaded> {
  const list = ['systemctl', 'list-units', '--all', '--full', '--plain', '--no-legend']
  const states = readUnitStates((await mustRun(list, limits)).stdout)
  const known = (unit: string) =>
    generations.some(({ files }) => files.has(unit) || files.has(templateOf(unit) ?? ''))
  const asked = [...states.keys()].filter(known)
  if (asked.length === 0) return states
  const show = ['systemctl', 'show', `--property=${loadedProperties.join()}`, '--', ...asked]
  return new Map([...states, ...readLoadedUnits((await mustRun(show, limits)).stdout)])
}
