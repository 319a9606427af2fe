import type { OperationEvent } from '../../shared/api/schemas.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import type { Operations } from '../operation/operations.ts'
import { watchOperation } from '../operation/watch.ts'
import type { Host } from '../platform/platform.ts'
import type { EventSink } from './sse.ts'
import { eventView } from './view.ts'

/** Lines of output sent of one operation; the whole is in the system's journal. */
const MAX_LINES = 5000

/** Sends journal and output of an operation from their beginning, and what comes, until the operation has ended. */
export async function streamLog(
  id: string,
  operations: Operations,
  host: Host,
  sink: EventSink
): Promise<void> {
  await operations.get(id)
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, sink.signal])
  let lines = 0
  const output = (line: string) => {
    if (lines++ < MAX_LINES) sink.send({ type: 'output', operation: id, line } satisfies OperationEvent)
  }
  let following: Promise<void> | undefined
  let phase: Phase = 'accepted'
  for await (const record of watchOperation(operations.root, id, signal)) {
    if (record.event.type === 'moved') phase = record.event.to
    if (phase === 'activating') following ??= host.follow(id, output, signal).catch(() => {})
    sink.send(eventView(id, record, phase), `${id}:${record.seq}`)
    await sink.drained()
  }
  stop.abort()
  await following
  if (sink.signal.aborted) return
  for (const line of (await host.output(id).catch(() => [])).slice(lines)) output(line)
  sink.end()
}
