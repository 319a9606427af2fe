import { open } from 'node:fs/promises'

/** Bytes of a secret that are read. */
const MAX_BYTES = 8192

/** Reads a secret of one line, without the space around it. Throws with the name of the file, never with what is in it. */
export async function readSecret(file: string): Promise<string> {
  await using handle = await open(file, 'r')
  const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(MAX_BYTES + 1), position: 0 })
  const text = buffer.subarray(0, bytesRead).toString('utf8').trim()
  if (bytesRead > MAX_BYTES || !/^[\u0021-\u007e]+$/.test(text)) {
    throw new Error(`${file}: no secret of one line of visible ASCII`)
  }
  return text
}
