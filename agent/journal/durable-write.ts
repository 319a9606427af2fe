import type { FileHandle } from 'node:fs/promises'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Replaces a file so that after a power cut it holds either the old or the new text, whole: write beside it, fsync,
 * rename, fsync the directory. When this returns, the new text is on the disk.
 */
export async function durableWrite(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.new`
  try {
    await using file = await open(temporary, 'w', mode)
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

/** Appends and syncs; on a failed write the file is cut back, so that no half record stands before a later one. */
export async function durableAppend(file: FileHandle, text: string): Promise<void> {
  const { size } = await file.stat()
  try {
    await file.appendFile(text)
    await file.sync()
  } catch (error) {
    await file.truncate(size).catch(() => {}) // the reader also drops a torn last record
    throw error
  }
}
