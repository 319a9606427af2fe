import { BelayError } from '../../shared/errors.ts'
import type { JournalRecord } from '../journal/journal.ts'
import { parseJournal } from '../journal/journal.ts'

/** What can be believed of a journal. */
export interface Intact<E> {
  /** The whole records in front of the first broken line; all of them where there is none. */
  readonly records: readonly JournalRecord<E>[]
  /** The first line that is not what was written there, counted from 1. */
  readonly broken: { readonly line: number; readonly problem: string } | null
  /** Bytes of a torn last record behind the whole ones; they were never acknowledged. */
  readonly tornBytes: number
}

/** Reads a journal as far as its hash chain holds. */
export function intactRecords<E>(text: string): Intact<E> {
  try {
    const { records, validBytes } = parseJournal<E>(text)
    return { records, broken: null, tornBytes: Buffer.byteLength(text) - validBytes }
  } catch (error) {
    const line = Number(/^line (\d+)$/.exec((error instanceof BelayError && error.at) || '')?.[1])
    if (!Number.isSafeInteger(line)) throw error
    const front = text
      .split('\n')
      .slice(0, line - 1)
      .map((each) => `${each}\n`)
      .join('')
    const problem = (error as BelayError).message
    return { records: parseJournal<E>(front).records, broken: { line, problem }, tornBytes: 0 }
  }
}
