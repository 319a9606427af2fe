import type { RollbackRequest } from '../../shared/api/schemas.ts'
import { hostClock, monotonicMs } from '../clock.ts'
import type { Settings } from '../config/settings.ts'
import { Operations } from '../operation/operations.ts'
import { choosePlatform } from '../platform/choose.ts'

/** Admits a rollback in this process and has the service manager start its runner. Needs root, and no daemon. */
export async function rollbackWithoutDaemon(
  settings: Settings,
  config: string | null,
  request: RollbackRequest
): Promise<{ id: string; root: string }> {
  const platform = await choosePlatform()
  const host = platform.host(settings, config)
  const operations = new Operations({ settings, clock: hostClock(await platform.bootId()), host })
  const caller = {
    principal: 'command line, without the daemon',
    role: 'admin' as const,
    transport: 'command line' as const,
    connectedMonotonicMs: monotonicMs()
  }
  const { id } = (await operations.rollback(request, caller)).accepted
  // What was unfinished may have lost its runner together with the daemon.
  await host.startRunner(id)
  return { id, root: operations.root }
}
