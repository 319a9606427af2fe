import type { AgentClient } from '../../shared/agent-client/client.ts'
import { agentClient } from '../../shared/agent-client/client.ts'
import { checkedAnswer, checkedEvent } from './answers.ts'

/** A client of an agent on another machine: nothing that it says is believed unlooked. */
export function hostClient(socketPath: string, timeoutMs?: number): AgentClient {
  return agentClient(socketPath, timeoutMs, { answer: checkedAnswer, event: checkedEvent })
}
