import { agentClient } from '../agent-client/client.ts'
import { runQuietly } from '../command.ts'

const NOTIFY_TIMEOUT_MS = 5000

/**
 * Tells systemd that the daemon is ready, and goes on telling that it lives: only after it has answered on its own
 * socket. Does nothing below another service manager. Gives what ends it.
 */
export function notifySystemd(socket: string): () => void {
  if (process.env.NOTIFY_SOCKET === undefined) return () => {}
  void runQuietly(['systemd-notify', '--ready', `--status=listening on ${socket}`], NOTIFY_TIMEOUT_MS)
  const watchdogMs = Number(process.env.WATCHDOG_USEC ?? 0) / 1000
  if (!(watchdogMs > 0)) return () => {}
  const client = agentClient(socket, NOTIFY_TIMEOUT_MS)
  const ping = () => client.live().then(() => runQuietly(['systemd-notify', 'WATCHDOG=1'], NOTIFY_TIMEOUT_MS))
  const timer = setInterval(() => void ping().catch(() => {}), watchdogMs / 2)
  return () => clearInterval(timer)
}
