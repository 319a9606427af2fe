import { randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BelayError } from '../../shared/errors.ts'

/** File beside a journal that is given up when the disk is full, so that what has begun can still be ended. */
const RESERVE = 'reserve'
/** Some ten times what an operation writes from its admission on. */
const RESERVE_BYTES = 64 * 1024

/** Sets the reserve of a directory aside, unless it is there. Throws `no-space` where there is no room for it. */
export async function setReserve(directory: string, bytes = RESERVE_BYTES): Promise<void> {
  if (await isThere(join(directory, RESERVE))) return
  // Random, since some file systems store zeros as nothing.
  await durableWrite(join(directory, RESERVE), randomBytes(bytes))
}

/** Gives the reserve of a directory up; false where there was none. */
export async function releaseReserve(directory: string): Promise<boolean> {
  const there = await isThere(join(directory, RESERVE))
  await rm(join(directory, RESERVE), { force: true })
  return there
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false
  )

/** Runs a write in a directory; when the disk is full, once more on its reserve. */
async function withReserve<T>(directory: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (isFull(error) && (await releaseReserve(directory))) return await write()
    throw asNoSpace(error, directory)
  }
}

const isFull = (error: unknown) => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

/** `no-space` for an error of a full disk; any other error as it is. */
export function asNoSpace(cause: unknown, directory: string): unknown {
  if (!isFull(cause)) return cause
  const text = `no space left in ${directory}`
  return new BelayError('no-space', text, { cause, at: directory, wanted: 'free space and inodes' })
}

/**
 * Replaces a file so that after a power cut it holds either the old or the new text, whole: write beside it, fsync,
 * rename, fsync the directory. When this returns, the new text is on the disk. Throws `no-space` when the disk is full.
 */
export async function durableWrite(path: string, text: string | Buffer, mode = 0o600): Promise<void> {
  await withReserve(dirname(path), () => replaceFile(path, text, mode))
}

async function replaceFile(path: string, text: string | Buffer, mode: number): Promise<void> {
  const temporary = `${path}.new`
  try {
    // Never into what a write that was cut off left: it may have the mode of another, or a second name.
    await rm(temporary, { force: true })
    await using file = await open(temporary, 'wx', mode)
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/** Makes the names in a directory durable: what was created, renamed or removed there. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

/**
 * Appends to a file of a directory and syncs; on a failed write the file is cut back, so that no half record stands
 * before a later one. Throws `no-space` when the disk is full.
 */
export async function durableAppend(directory: string, file: FileHandle, text: string): Promise<void> {
  await withReserve(directory, async () => {
    const { size } = await file.stat()
    try {
      await file.appendFile(text)
      await file.sync()
    } catch (error) {
      await file.truncate(size).catch(() => {}) // the reader also drops a torn last record
      throw error
    }
  })
}
