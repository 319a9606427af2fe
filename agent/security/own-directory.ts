import { lstat } from 'node:fs/promises'
import { BelayError } from '../../shared/errors.ts'

const GROUP_OR_OTHERS_WRITE = 0o022

/**
 * Throws `invalid-config` unless a directory is one, no link, this user's, and writable by nobody else: where others
 * could put a file or a link, what is read from there says what they want.
 */
export async function assertOwnDirectory(path: string): Promise<void> {
  const stat = await lstat(path)
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0')
  const own =
    stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & GROUP_OR_OTHERS_WRITE) === 0
  if (own) return
  const found = stat.isDirectory() ? `user ${stat.uid}, mode ${mode}` : 'no directory'
  const wanted = 'a directory of the user that the agent runs as, writable by nobody else'
  throw new BelayError('invalid-config', `${path} cannot be trusted: ${found}; wanted ${wanted}`, {
    ...{ found, wanted, at: path }
  })
}
