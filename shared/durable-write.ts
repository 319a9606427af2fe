import { randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BelayError } from './errors.ts'

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
  const again = async (error: unknown) => {
    if (isFull(error) && (await releaseReserve(directory).catch(() => false))) return write()
    throw error
  }
  return write()
    .catch(again)
    .catch((error: unknown) => {
      throw asNoSpace(error, directory)
    })
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
 * Writers of one process wait for each other: what is beside a file has one name, so that what is left there does not
 * grow with every power cut.
 */
export function durableWrite(path: string, text: string | Buffer, mode = 0o600): Promise<void> {
  const write = () => withReserve(dirname(path), () => replaceFile(path, text, mode))
  const written = (writing.get(path) ?? Promise.resolve()).then(write, write)
  writing.set(path, written)
  const forget = () => void (writing.get(path) === written && writing.delete(path))
  written.then(forget, forget)
  return written
}

/** The last write of each file that is under way. */
const writing = new Map<string, Promise<void>>()

async function replaceFile(path: string, text: string | Buffer, mode: number): Promise<void> {
  const temporary = `${path}.new`
  try {
    // Never into what a write that was cut off left: it may have the mode of another, or a second name.
    await rm(temporary, { force: true })
    await closing(await open(temporary, 'wx', mode), async (file) => {
      await file.writeFile(text)
      await file.sync()
    })
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}) // what went wrong first is what is told
    throw error
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/**
 * Makes a file that is not there yet, whole, and durable when this returns. Of several who try, in whatever process,
 * one does; false for the others, who find the file of that one durable too. Throws `no-space` when the disk is full.
 */
export async function durableCreate(path: string, text: string, mode = 0o600): Promise<boolean> {
  const temporary = `${path}.${randomBytes(4).toString('hex')}.new`
  const create = async () => {
    await closing(await open(temporary, 'wx', mode), async (file) => {
      await file.writeFile(text)
      await file.sync()
    })
    return link(temporary, path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false
        throw error
      }
    )
  }
  const created = await withReserve(dirname(path), () =>
    create().finally(() => rm(temporary, { force: true }).catch(() => {}))
  )
  await syncDirectory(dirname(path))
  return created
}

/** Makes a folder, with those above it that are missing, durable when this returns. */
export async function durableFolder(path: string, mode = 0o750): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode })
  // The name of each that was made is in the one above.
  for (let made = path; first !== undefined && made.length >= first.length; made = dirname(made))
    await syncDirectory(dirname(made))
}

/** Makes the names in a directory durable: what was created, renamed or removed there. */
export async function syncDirectory(path: string): Promise<void> {
  await closing(await open(path, 'r'), (directory) => directory.sync())
}

/** Uses a file and closes it. When both fail, the error of the use is told: `await using` would wrap it. */
async function closing(file: FileHandle, use: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(file)
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
  await file.close()
}

/**
 * Appends to a file of a directory, behind its `size` bytes that are known to be good, and syncs. What a failed append
 * left there is cut off, by itself or else by the next, so that no half record stands before a later one. Throws
 * `no-space` when the disk is full.
 */
export async function durableAppend(
  directory: string,
  file: FileHandle,
  size: number,
  text: string
): Promise<void> {
  await withReserve(directory, async () => {
    if ((await file.stat()).size > size) await file.truncate(size)
    try {
      await file.appendFile(text)
      await file.sync()
    } catch (error) {
      await file.truncate(size).catch(() => {}) // the reader also drops a torn last record
      throw error
    }
  })
}
