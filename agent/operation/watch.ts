import { join } from 'node:path'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { JournalRecord } from '../journal/journal.ts'
import { readJournal } from '../journal/journal.ts'
import { until } from './control.ts'
import type { Event } from './events.ts'
import { foldOperation } from './state.ts'
import { ignoreCorrupt, listOperations, operationDirectory, readOperation } from './store.ts'

/** The records of an operation, those there are and those to come, until it has ended or the signal says so. */
export async function* watchOperation(
  root: string,
  id: string,
  signal: AbortSignal
): AsyncGenerator<JournalRecord<Event>> {
  const directory = operationDirectory(root, id)
  let told = 0
  while (!signal.aborted) {
    const fresh = await until(
      directory,
      () => (signal.aborted ? 0 : 1000),
      async () => {
        const records = await readJournal<Event>(join(directory, 'journal.jsonl'))
        return records.length > told ? records : null
      }
    )
    if (fresh === null) continue
    for (const record of fresh.slice(told)) yield record
    told = fresh.length
    if (isTerminal(foldOperation(fresh).phase)) return
  }
}

/** A place in the stream of all records: an operation and a sequence number in its journal. */
export interface Position {
  readonly operation: string
  readonly seq: number
}

/**
 * The records of all operations behind a position, in order, those there are and those to come, until the signal.
 * Operations follow each other, and their identities sort by time, so the journals are the log of events.
 */
export async function* watchAll(
  root: string,
  after: Position | null,
  signal: AbortSignal
): AsyncGenerator<{ readonly operation: string; readonly record: JournalRecord<Event> }> {
  let last = after
  while (!signal.aborted) {
    const from = last
    const next = await until(
      root,
      () => (signal.aborted ? 0 : 1000),
      async () => (await listOperations(root)).find((id) => from === null || id >= from.operation) ?? null
    )
    if (next === null) continue
    // One that cannot be read keeps nobody from those behind it.
    const readable = await readOperation(root, next).catch(ignoreCorrupt)
    for await (const record of readable === null ? [] : watchOperation(root, next, signal)) {
      if (next === from?.operation && record.seq <= from.seq) continue
      yield { operation: next, record }
    }
    // Nothing sorts between an operation and this.
    last = { operation: `${next}~`, seq: -1 }
  }
}

/** What a record says, in one line for a person. */
export function describeEvent(event: Event): string {
  switch (event.type) {
    case 'accepted':
      return event.reason ?? `${event.kind} asked for by ${event.principal}`
    case 'baseline':
      return `the baseline is ${event.generation.storePath}`
    case 'moved':
      return event.reason
    case 'activation-started':
      return `started ${event.unit}`
    case 'activation-ended':
      return `ended: ${event.outcome.result} ${event.outcome.code} ${event.outcome.status}`
    case 'window-opened':
      return `waiting for confirmation until ${event.deadlineAt}`
    case 'retargeted':
      return `${event.reason}: ${event.target.storePath}`
    case 'reboot-started':
      return `rebooting: ${event.reason}`
    case 'waiting':
      return event.reason
    case 'confirmed':
      return `confirmed by ${event.principal}`
    case 'approved':
      return `approved by ${event.principal}, approval ${event.approval}`
    default:
      event satisfies never
      return `${(event as { readonly type: string }).type}, of a newer agent`
  }
}
