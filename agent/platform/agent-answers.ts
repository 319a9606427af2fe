import { agentClient } from '../../shared/agent-client/client.ts'
import { monotonicMs } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { until } from '../operation/control.ts'

/** Waits until an agent answers on its socket; false when none does in its time. */
export async function agentAnswers({ socketDirectory, limits }: Settings): Promise<boolean> {
  // The socket of the fewest: nobody else's connections keep the agent from answering.
  const client = agentClient(`${socketDirectory}/admin.sock`, 2000)
  const end = monotonicMs() + limits.agentSeconds * 1000
  const ask = () =>
    client
      .live()
      .then(() => true)
      .catch(() => null)
  return (await until(socketDirectory, () => end - monotonicMs(), ask)) === true
}
