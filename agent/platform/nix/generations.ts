import { lstat, readdir, readlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** A generation link of a profile. */
export interface GenerationLink {
  readonly number: number
  readonly storePath: string
  /** When the link was made: its own modification time, RFC 3339. */
  readonly createdAt: string
}

/**
 * The generations of a profile, oldest number first, read from the `NAME-N-link` symlinks. Unlike
 * `nix-env --list-generations` this takes no lock and needs no root. A link that goes while it is read is left out.
 */
export async function readGenerations(profile: string): Promise<readonly GenerationLink[]> {
  const directory = dirname(profile)
  const pattern = new RegExp(`^${RegExp.escape(basename(profile))}-(\\d+)-link$`)
  const names = await readdir(directory).catch(ignoreMissing<string[]>([]))
  const found = await Promise.all(
    names.map(async (name) => {
      const number = Number(pattern.exec(name)?.[1])
      if (!Number.isSafeInteger(number)) return null
      const link = join(directory, name)
      const read = Promise.all([readlink(link), lstat(link)])
      const [storePath, stat] = (await read.catch(ignoreMissing(null))) ?? []
      return storePath && stat ? { number, storePath, createdAt: stat.mtime.toISOString() } : null
    })
  )
  return found.filter((g) => g !== null).sort((a, b) => a.number - b.number)
}

/** Where a profile points: number and store path, or null where there is no such profile. */
export async function readProfile(profile: string): Promise<Omit<GenerationLink, 'createdAt'> | null> {
  const link = await readlink(profile).catch(ignoreMissing(null))
  const number = Number(/-(\d+)-link$/.exec(link ?? '')?.[1])
  if (link === null || !Number.isSafeInteger(number)) return null
  const storePath = await readlink(join(dirname(profile), link)).catch(ignoreMissing(null))
  return storePath === null ? null : { number, storePath }
}

/** For `catch`: `value` when the file is not there or is no link; any other error goes on. */
export function ignoreMissing<T>(value: T) {
  return (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT' || error.code === 'EINVAL' || error.code === 'ENOTDIR') return value
    throw error
  }
}
