import { constants } from 'node:fs'
import { lstat, open, readlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { BelayError } from '../../shared/errors.ts'

/** As many links as the kernel follows; see path_resolution(7). */
const MAX_LINKS = 40
const GROUP_OR_OTHERS_WRITE = 0o022
const STICKY = 0o1000

/** How a trusted file is read. */
export interface Trust {
  /** User whose files are trusted, besides root's. Default root alone. */
  readonly owner?: number
  /** Bytes. */
  readonly maxSize?: number
}

/**
 * Reads a file that nobody but root can have changed: file, links and every directory on the way, wherever links lead,
 * belong to root and are not writable by group or others. In a directory with the sticky bit, as /nix/store is, only its
 * owner can replace an entry. Gives the bytes that were judged; throws `approval-signers-unsafe`.
 */
export async function readTrustedFile(path: string, trust: Trust = {}): Promise<Buffer> {
  const owners = new Set([0, trust.owner ?? 0])
  const real = await walk(path, owners)
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (cause: unknown) => {
      throw unsafe(path, `${real} cannot be read`, 'a file', cause)
    }
  )
  try {
    // The file that is open, not one that has its name by now.
    const stat = await file.stat()
    if (!stat.isFile()) throw unsafe(path, `${real} is no file`, 'a file')
    assertOwned(path, real, stat, owners)
    const maxSize = trust.maxSize ?? 1024 * 1024
    if (stat.size > maxSize) throw unsafe(path, `${real} has ${stat.size} bytes`, `at most ${maxSize}`)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** Follows a path name by name, judging each; gives where it ends. */
async function walk(path: string, owners: ReadonlySet<number>): Promise<string> {
  let links = 0
  let at = '/'
  let names = resolve('/', path).split('/').filter(Boolean)
  assertDirectory(path, '/', await lstat('/'), owners)
  while (names.length > 0) {
    const [name = '', ...rest] = names
    const next = resolve(at, name)
    const stat = await lstat(next).catch((cause: unknown) => {
      throw unsafe(path, `${next} is not there`, 'a file of root', cause)
    })
    if (stat.isSymbolicLink()) {
      if (!owners.has(stat.uid)) throw unsafe(path, `the link ${next} belongs to user ${stat.uid}`, 'root')
      if (++links > MAX_LINKS) throw unsafe(path, 'more links than the kernel follows', 'fewer links')
      const target = resolve(dirname(next), await readlink(next))
      names = [...target.split('/').filter(Boolean), ...rest]
      at = '/'
      continue
    }
    if (stat.isDirectory()) assertDirectory(path, next, stat, owners)
    at = next
    names = rest
  }
  return at
}

interface Owned {
  readonly uid: number
  readonly mode: number
}

function assertDirectory(path: string, at: string, stat: Owned, owners: ReadonlySet<number>): void {
  const mode = (stat.mode & STICKY) === 0 ? stat.mode : stat.mode & ~GROUP_OR_OTHERS_WRITE
  assertOwned(path, at, { uid: stat.uid, mode }, owners)
}

function assertOwned(path: string, at: string, { uid, mode }: Owned, owners: ReadonlySet<number>): void {
  if (!owners.has(uid)) throw unsafe(path, `${at} belongs to user ${uid}`, 'root')
  if ((mode & GROUP_OR_OTHERS_WRITE) === 0) return
  const bits = (mode & 0o7777).toString(8).padStart(4, '0')
  throw unsafe(path, `${at} is writable by others (${bits})`, 'not writable by group or others')
}

function unsafe(path: string, found: string, wanted: string, cause?: unknown): BelayError {
  const text = `${path} cannot be trusted: ${found}`
  return new BelayError('approval-signers-unsafe', text, { found, wanted, at: path, cause })
}
