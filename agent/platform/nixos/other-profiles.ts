import { lstat, readdir, readlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { specialisations } from '../../retention/evidence.ts'
import { ignoreMissing } from '../nix/generations.ts'

/** Store paths of the generations of all other system profiles, which have boot entries as well. */
export async function otherProfiles(profile: string): Promise<readonly string[]> {
  const directory = join(dirname(profile), 'system-profiles')
  const names = await readdir(directory).catch(ignoreMissing<string[]>([]))
  const links = names.filter((name) => /-\d+-link$/.test(name))
  const paths = await Promise.all(
    links.map((name) => readlink(join(directory, name)).catch(ignoreMissing(null)))
  )
  const all = paths.filter((path) => path !== null)
  return [...all, ...(await Promise.all(all.map(specialisations))).flat()]
}

/** Whether a system is in the store, with the script that writes boot entries. */
export async function isSwitchable(toplevel: string): Promise<boolean> {
  return (await lstat(join(toplevel, 'bin/switch-to-configuration')).catch(ignoreMissing(null))) !== null
}
