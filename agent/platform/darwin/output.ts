import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../../operation/control.ts'
import { ignoreMissing } from '../nix/generations.ts'

/** Output lines shown of one activation; the whole is in the operation's directory. */
const MAX_LINES = 5000
/** As much as the activation's job keeps, and what it writes in the second until it looks. */
const MAX_BYTES = 8 * 1024 * 1024

/** Reads a file from a place on; from its beginning where it has become shorter. */
async function readFrom(
  file: string,
  from: number
): Promise<{ readonly text: string; readonly end: number }> {
  const handle = await open(file).catch(ignoreMissing(null))
  if (handle === null) return { text: '', end: 0 }
  try {
    const { size } = await handle.stat()
    const start = size < from ? 0 : from
    const buffer = Buffer.alloc(Math.min(size - start, MAX_BYTES))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start)
    return { text: buffer.toString('utf8', 0, bytesRead), end: start + bytesRead }
  } finally {
    await handle.close()
  }
}

/** All lines so far of what the activations of an operation wrote. */
export async function readOutput(directory: string): Promise<readonly string[]> {
  const { text } = await readFrom(join(directory, 'output'), 0)
  return text.split('\n').filter(Boolean).slice(-MAX_LINES)
}

/** The lines that there are and those to come, until the signal. */
export async function followOutput(
  directory: string,
  line: (text: string) => void,
  signal: AbortSignal
): Promise<void> {
  let at = 0
  let rest = ''
  while (!signal.aborted) {
    const read = await until(
      directory,
      () => (signal.aborted ? 0 : 1000),
      async () => {
        const more = await readFrom(join(directory, 'output'), at)
        return more.end === at ? null : more
      }
    )
    if (read === null) continue
    at = read.end
    const lines = (rest + read.text).split('\n')
    rest = lines.pop() ?? ''
    for (const each of lines) if (each !== '') line(each)
  }
}
