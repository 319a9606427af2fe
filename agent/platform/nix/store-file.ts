import { readFile, realpath, stat } from 'node:fs/promises'

/** Where Nix keeps everything that a generation is made of. */
export const STORE = '/nix/store/'

/** Where a path of a generation leads to in the store (another folder in tests); null where it leads out of it, or nowhere. */
export async function inStore(path: string, store = STORE): Promise<string | null> {
  // A generation is made by others: its links may lead anywhere, and the agent may read everything.
  const real = await realpath(path).catch(() => null)
  return real?.startsWith(store) ? real : null
}

/** The text of a file of a generation; null for what is no file in the store, or too long. */
export async function readStoreFile(path: string, maxBytes: number, store = STORE): Promise<string | null> {
  const real = await inStore(path, store)
  if (real === null) return null
  const { size } = await stat(real)
  return size > maxBytes ? null : readFile(real, 'utf8').catch(notAFile)
}

function notAFile(error: NodeJS.ErrnoException): null {
  if (error.code === 'EISDIR') return null
  throw error
}
