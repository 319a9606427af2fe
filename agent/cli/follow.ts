import { setTimeout as delay } from 'node:timers/promises'
import type { AgentClient } from '../../shared/agent-client/client.ts'
import type { OperationEvent } from '../../shared/api/schemas.ts'
import { codeOf } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import { eventView } from '../api/view.ts'
import { readOperation } from '../operation/store.ts'
import { watchOperation } from '../operation/watch.ts'

/** How long an agent may be away: it is restarted in the middle of many activations. */
const PATIENCE_MS = 120_000
const RETRY_MS = 200

/** Events of an operation until it has ended, each once, across restarts of the agent. */
export async function* followByApi(client: AgentClient, id: string): AsyncGenerator<OperationEvent> {
  let lastContact = performance.now()
  let seq = -1
  let lines = 0
  for (;;) {
    let replayed = 0
    try {
      for await (const event of client.log(id)) {
        lastContact = performance.now()
        if (event.type === 'operation' ? event.seq <= seq : ++replayed <= lines) continue
        if (event.type === 'operation') seq = event.seq
        else lines = replayed
        yield event
      }
      return
    } catch (error) {
      if (codeOf(error) !== 'host-unreachable' || performance.now() - lastContact > PATIENCE_MS) throw error
    }
    await delay(RETRY_MS)
  }
}

/** The same from the journal itself, for when there is no agent to ask. */
export async function* followByJournal(root: string, id: string): AsyncGenerator<OperationEvent> {
  let phase: Phase = 'accepted'
  const { accepted } = await readOperation(root, id)
  for await (const record of watchOperation(root, id, new AbortController().signal)) {
    if (record.event.type === 'moved') phase = record.event.to
    yield eventView(accepted, record, phase)
  }
}
