import { open } from 'node:fs/promises'

/** Bytes of a secret that are read. */
const MAX_BYTES = 8192

/** Mode bits of a file that others than its owner and group may read or write, or that the group may write. */
const TOO_OPEN = 0o027

/**
 * Reads a secret of one line, without the space around it. Refuses a file that is open to others. Throws with the name
 * of the file, never with what is in it.
 */
export async function readSecret(file: string): Promise<string> {
  await using handle = await open(file, 'r')
  const { mode } = await handle.stat()
  if ((mode & TOO_OPEN) !== 0) {
    const found = (mode & 0o777).toString(8).padStart(4, '0')
    throw new Error(`${file} is open to others (mode ${found}); chmod 600, or 640 for a group`)
  }
  const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(MAX_BYTES + 1), position: 0 })
  const text = buffer.subarray(0, bytesRead).toString('utf8').trim()
  if (bytesRead > MAX_BYTES || !/^[\u0021-\u007e]+$/.test(text)) {
    throw new Error(`${file}: no secret of one line of visible ASCII`)
  }
  return text
}
