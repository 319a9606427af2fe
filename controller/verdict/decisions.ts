import { open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BelayError } from '../../shared/errors.ts'
import { parseRecord } from '../../shared/verdict/parse.ts'
import type { SoakRecord } from '../../shared/verdict/record.ts'

/** Bytes of a decisions file that are read; a record has at most some 5 kB. */
const MAX_BYTES = 16 * 1024 * 1024

/** The decisions file of a fleet: beside the fleet file, so that it is kept and reviewed with it. */
export const decisionsFile = (fleetFile: string): string => join(dirname(fleetFile), 'soak-decisions.jsonl')

/**
 * All that people said, oldest first; nothing where there is no file. Throws `invalid-decisions`: who cannot read a
 * waiver or an extension must not judge. Only a last line without its end is passed over; nobody was told that it holds.
 */
export async function readDecisions(file: string): Promise<SoakRecord[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return ''
    throw new BelayError('invalid-decisions', `${file}: ${cause.message}`, { cause, at: file })
  })
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new BelayError('invalid-decisions', `${file} is larger than ${MAX_BYTES} bytes`, { at: file })
  }
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line, index) => parseRecord(jsonOf(line, `${file}:${index + 1}`), `${file}:${index + 1}`))
}

function jsonOf(line: string, at: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new BelayError('invalid-decisions', `${at}: not JSON`, { cause, at, found: line.slice(0, 200) })
  }
}

/** Appends one record and brings it to the disk. What a write that was cut off left behind is cut off first. */
export async function appendDecision(file: string, record: SoakRecord): Promise<void> {
  const line = `${JSON.stringify(parseRecord(record, 'the record'))}\n`
  await readDecisions(file)
  await using handle = await open(file, 'a+', 0o644).catch((cause: NodeJS.ErrnoException) => {
    const why = `${file} cannot be written: ${cause.message}; name another file with --decisions`
    throw new BelayError('invalid-decisions', why, { cause, at: file })
  })
  const text = await handle.readFile('utf8')
  const whole = Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1))
  if (whole < Buffer.byteLength(text)) await handle.truncate(whole)
  await handle.appendFile(line)
  await handle.sync()
  await using directory = await open(dirname(file), 'r')
  await directory.sync()
}
