import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { asNoSpace, durableAppend, syncDirectory } from '../../shared/durable-write.ts'
import { BelayError } from '../../shared/errors.ts'

/** When something was recorded: wall clock for people, boot and monotonic milliseconds for deadlines. */
export interface Instant {
  /** RFC 3339. */
  readonly at: string
  readonly bootId: string
  /** Milliseconds of CLOCK_MONOTONIC; comparable within one boot only. */
  readonly monotonicMs: number
}

/** One line of a journal: an event, when it happened, and its place in the hash chain. */
export interface JournalRecord<E> extends Instant {
  readonly seq: number
  readonly event: E
  /** Hash of the record before; 64 zeros for the first. */
  readonly previous: string
  /** SHA-256 over all of the above as JSON, in hexadecimal. */
  readonly hash: string
}

const GENESIS = '0'.repeat(64)

function seal<E>(seq: number, event: E, now: Instant, previous: string): JournalRecord<E> {
  const { at, bootId, monotonicMs } = now
  const body = { seq, at, bootId, monotonicMs, event, previous }
  return { ...body, hash: createHash('sha256').update(JSON.stringify(body)).digest('hex') }
}

/** What a journal's text says. `validBytes` ends behind the last whole record. */
export interface ParsedJournal<E> {
  readonly records: readonly JournalRecord<E>[]
  readonly validBytes: number
}

/**
 * Reads a journal. A torn last line (no line feed at its end, or zeros in it) was never acknowledged and is dropped;
 * anything else that is changed, missing or out of order throws `journal-corrupt` with its line.
 */
export function parseJournal<E>(text: string): ParsedJournal<E> {
  const end = endOfWhole(text)
  const records: JournalRecord<E>[] = []
  for (const line of text.slice(0, end).split('\n').slice(0, -1)) {
    records.push(parseRecord<E>(line, records.length, records.at(-1)?.hash ?? GENESIS))
  }
  return { records, validBytes: Buffer.byteLength(text.slice(0, end)) }
}

/**
 * Where the last whole line ends. Sectors reach the disk in any order: after a power cut the line feed can be there
 * while what stands before it reads as zeros, which no record has.
 */
function endOfWhole(text: string): number {
  const end = text.lastIndexOf('\n') + 1
  const last = text.lastIndexOf('\n', end - 2) + 1
  return text.slice(last, end).includes('\0') ? last : end
}

function parseRecord<E>(line: string, seq: number, previous: string): JournalRecord<E> {
  const at = `line ${seq + 1}`
  let found: JournalRecord<E>
  try {
    found = JSON.parse(line) as JournalRecord<E>
  } catch (cause) {
    throw new BelayError('journal-corrupt', `the journal is unreadable at ${at}`, { at, cause })
  }
  const wanted = seal(seq, found?.event, found ?? { at: '', bootId: '', monotonicMs: 0 }, previous)
  if (found?.hash === wanted.hash && found.seq === seq && found.previous === previous) return found
  throw new BelayError('journal-corrupt', `the journal was changed at ${at}`, {
    at,
    found: found?.hash,
    wanted: wanted.hash
  })
}

/** Reads a journal file; see {@link parseJournal}. */
export async function readJournal<E>(path: string): Promise<readonly JournalRecord<E>[]> {
  return parseJournal<E>(await readFile(path, 'utf8')).records
}

/** The writing end of one journal. There is one at a time: the runner's, or the daemon's while it admits. */
export interface Journal<E> {
  readonly records: readonly JournalRecord<E>[]
  /** Durable when it returns. */
  append(event: E): Promise<JournalRecord<E>>
  close(): Promise<void>
}

/**
 * Opens or creates a journal for appending. A torn last record is cut off first; what is left is durable, also where the
 * writer before died between a write and its fsync.
 */
export async function openJournal<E>(path: string, now: () => Instant): Promise<Journal<E>> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'a+', 0o640)
    const { records, validBytes } = parseJournal<E>(await file.readFile('utf8'))
    await file.truncate(validBytes)
    await file.sync()
    await syncDirectory(dirname(path))
    return writer(path, file, { records, validBytes }, now)
  } catch (error) {
    await file?.close().catch(() => {})
    throw asNoSpace(error, dirname(path))
  }
}

function writer<E>(path: string, file: FileHandle, old: ParsedJournal<E>, now: () => Instant): Journal<E> {
  const records = [...old.records]
  let size = old.validBytes
  return {
    records,
    close: () => file.close(),
    async append(event) {
      const record = seal(records.length, event, now(), records.at(-1)?.hash ?? GENESIS)
      const line = `${JSON.stringify(record)}\n`
      await durableAppend(dirname(path), file, size, line)
      size += Buffer.byteLength(line)
      records.push(record)
      return record
    }
  }
}
