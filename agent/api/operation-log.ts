import type { OperationEvent } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import type { EventSink } from '../../shared/server/sse.ts'
import type { Accepted } from '../operation/events.ts'
import type { Operations } from '../operation/operations.ts'
import type { Position } from '../operation/watch.ts'
import { watchAll, watchOperation } from '../operation/watch.ts'
import type { Host } from '../platform/platform.ts'
import { eventView } from './view.ts'

/** Lines of output sent of one operation; the whole is in the system's journal. */
const MAX_LINES = 5000
/** Characters sent of one line. */
const MAX_LINE = 2000

/** Sends journal and output of an operation from their beginning, and what comes, until the operation has ended. */
export async function streamLog(
  id: string,
  operations: Operations,
  host: Host,
  sink: EventSink
): Promise<void> {
  const { accepted } = await operations.get(id)
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, sink.signal])
  let lines = 0
  let behind = false
  const output = (text: string) => {
    lines += 1
    const line = text.slice(0, MAX_LINE)
    sink.send({ type: 'output', operation: id, line } satisfies OperationEvent)
  }
  /** A reader who is too slow gets the rest when all is over. */
  const live = (text: string) => {
    behind ||= sink.full() || lines >= MAX_LINES
    if (!behind) output(text)
  }
  let following: Promise<void> | undefined
  let phase: Phase = 'accepted'
  for await (const record of watchOperation(operations.root, id, signal)) {
    if (record.event.type === 'moved') phase = record.event.to
    if (phase === 'activating') following ??= host.follow(id, live, signal).catch(() => {})
    sink.send(eventView(accepted, record, phase), `${id}:${record.seq}`)
    await sink.drained()
  }
  stop.abort()
  await following
  if (sink.signal.aborted) return
  for (const line of (await host.output(id).catch(() => [])).slice(lines, MAX_LINES)) {
    output(line)
    await sink.drained()
  }
  sink.end()
}

/** Sends the records of all operations behind a position, and those to come, until the reader goes. */
export async function streamEvents(
  after: Position | null,
  operations: Operations,
  sink: EventSink
): Promise<void> {
  let phase: Phase = 'accepted'
  let of: Accepted | undefined
  for await (const { operation, record } of watchAll(operations.root, after, sink.signal)) {
    // A reader may begin in the middle of one.
    if (of === undefined || of.id !== operation) of = (await operations.get(operation)).accepted
    if (record.seq === 0) phase = 'accepted'
    if (record.event.type === 'moved') phase = record.event.to
    sink.send(eventView(of, record, phase), `${operation}:${record.seq}`)
    await sink.drained()
  }
}

/** Reads a `Last-Event-ID`; null for none. Throws `invalid-request` for what no event of ours has. */
export function parsePosition(text: string | undefined): Position | null {
  if (text === undefined) return null
  const [, operation, seq] = /^(\d{8}T\d{9}Z-[0-9a-f]{8}):(\d{1,9})$/.exec(text) ?? []
  if (operation === undefined) {
    const wanted = 'the id of an event, such as 20260102T030405678Z-0a1b2c3d:4'
    throw new BelayError('invalid-request', 'Last-Event-ID is not of this agent', {
      found: text.slice(0, 80),
      wanted,
      at: 'last-event-id'
    })
  }
  return { operation, seq: Number(seq) }
}
