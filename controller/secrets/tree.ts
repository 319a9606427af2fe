import type { Dirent } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Entries of a tree that are looked at; a real one has some thousand. */
const MAX_ENTRIES = 200_000
const MAX_FILE_BYTES = 4 * 1024 * 1024

/** A folder of a repository that is read without ever following a link. */
export interface Tree {
  readonly root: string
  /** What is in a folder, by name; nothing where it is none. Links are entries as others are. */
  list(path: string): Promise<readonly Dirent[]>
  /** The text of a plain file; null for a link, a folder, what is too large or not there. */
  read(path: string): Promise<string | null>
}

/** Opens a tree. Throws where it has too many entries to be one. */
export function openTree(root: string): Tree {
  let seen = 0
  return {
    root,
    async list(path) {
      // A link to a folder is not one: nothing is looked for behind it.
      const kind = await lstat(join(root, path)).catch(() => null)
      if (kind?.isDirectory() !== true) return []
      const entries = await readdir(join(root, path), { withFileTypes: true })
      seen += entries.length
      if (seen > MAX_ENTRIES) throw new Error(`${root} has more than ${MAX_ENTRIES} entries`)
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async read(path) {
      const kind = await lstat(join(root, path)).catch(() => null)
      if (kind?.isFile() !== true || kind.size > MAX_FILE_BYTES) return null
      return readFile(join(root, path), 'utf8')
    }
  }
}
