import pLimit from 'p-limit'
import type { Logger } from '../../shared/server/log.ts'
import type { Upload, UploadPorts } from '../secrets/upload.ts'
import { uploader } from '../secrets/upload.ts'
import type { LiveFleet } from './live-fleet.ts'

/** Uploads secrets by the fleet file as it is then, for one host after the other. */
export function uploads(
  { run, signal }: Pick<UploadPorts, 'run' | 'signal'>,
  fleet: Pick<LiveFleet, 'inventory' | 'hosts'>,
  logger: Pick<Logger, 'info'>
): Upload {
  const limit = pLimit(1)
  const onLine = (host: string, line: string) => logger.info({ host, line }, 'upload')
  return (host) =>
    limit(() => {
      const { vars, flake } = fleet.inventory()
      return uploader(vars, { flake, known: [...fleet.hosts.keys()] }, { run, signal, onLine })(host)
    })
}
