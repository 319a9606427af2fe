import type { Dirent } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

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
  /** Whether a link stands there. */
  isLink(path: string): Promise<boolean>
}

/** Opens a tree. Throws where it has too many entries to be one. */
export function openTree(root: string): Tree {
  let seen = 0
  const kindOf = (path: string) => lstat(join(root, path)).catch(() => null)
  const folders = new Map<string, Promise<boolean>>()
  /** A folder, below folders. A link to a folder is not one: nothing is looked for behind it. */
  const isFolder = (path: string): Promise<boolean> => {
    const known = folders.get(path)
    if (known !== undefined) return known
    const parent = dirname(path)
    const above = parent === '.' ? Promise.resolve(true) : isFolder(parent)
    const found = above.then(async (is) => is && (await kindOf(path))?.isDirectory() === true)
    folders.set(path, found)
    return found
  }
  return {
    root,
    isLink: async (path) => (await kindOf(path))?.isSymbolicLink() === true,
    async list(path) {
      if (!(await isFolder(path))) return []
      const entries = await readdir(join(root, path), { withFileTypes: true })
      seen += entries.length
      if (seen > MAX_ENTRIES) throw new Error(`${root} has more than ${MAX_ENTRIES} entries`)
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async read(path) {
      const kind = (await isFolder(dirname(path))) ? await kindOf(path) : null
      if (kind?.isFile() !== true || kind.size > MAX_FILE_BYTES) return null
      return readFile(join(root, path), 'utf8')
    }
  }
}
