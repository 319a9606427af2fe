import type { Static } from 'typebox'
import { clean } from '../../shared/clean.ts'
import { describeError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/server/log.ts'
import type { TlsFiles } from '../../shared/server/tls/files.ts'
import { readTlsTexts } from '../../shared/server/tls/files.ts'
import type { TlsView } from '../../shared/server/tls/metrics.ts'
import type { MetricsSettings } from '../config/metrics.ts'
import type { NetworkHalf } from '../network/half.ts'
import type { ListenerOrder } from '../network/records.ts'
import { readWebConfig } from './web-config.ts'

/** What the listener for Prometheus is made from. */
export interface MetricsListenerOptions {
  readonly settings: Static<typeof MetricsSettings>
  /** The certificate that this host was given, for where no web-config file is named. */
  readonly enrolled: TlsFiles
  /** Where it listens, with what is in the files: it reads none of them. */
  readonly half: Pick<NetworkHalf, 'listen' | 'serve'>
  readonly metrics: () => Promise<string>
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
}

/** The listener as it is kept: opened when its files are there, and told what is in them when that changes. */
export interface MetricsListener extends TlsView {
  /** To be called again and again. Never throws: an agent without metrics still has to roll back. */
  tick(): Promise<void>
}

/** Has the network half listen for Prometheus, and goes on trying while it cannot. */
export function metricsListener(options: MetricsListenerOptions): MetricsListener {
  const { half, metrics, logger, settings } = options
  const { address, port } = settings
  let expiries: ReturnType<TlsView['expiries']> = []
  let problem: string | null = null
  let connections = 0
  let listens = false
  half.serve({
    metrics,
    scraped: (open) => {
      connections = open
    },
    // Its words are a field: nobody takes them for the agent's own.
    note: ({ level, text, detail }) =>
      logger[level]({ said: clean(`${text} ${detail}`).trim() }, 'said by the network half')
  })
  const follow = async (): Promise<string | null> => {
    try {
      const order = await orderOf(options)
      const lost = (error: unknown) => ({ expiries: [], problem: describeError(error) })
      const now = await half.listen(order).catch(lost)
      expiries = now.expiries
      listens = expiries.length > 0
      return now.problem
    } catch (error) {
      // There is no order, and the listener is as it was.
      return describeError(error)
    }
  }
  return {
    async tick() {
      const before = { problem, listens }
      problem = await follow()
      if (listens && !before.listens) logger.info({ address, port }, 'metrics are given over TLS')
      if (problem !== null && (problem !== before.problem || listens !== before.listens)) {
        const text = listens ? 'the listener for metrics is as it was' : 'metrics are not given over TLS'
        logger.error({ problem }, text)
      }
    },
    expiries: () => expiries,
    problem: () => problem,
    connections: () => connections
  }
}

/** By a web-config file; without one by the certificate of this host, for whoever has a role. */
async function orderOf({ settings, enrolled }: MetricsListenerOptions): Promise<ListenerOrder> {
  const { webConfigFile, crlFile, address, port } = settings
  const place = { address: address ?? '', port }
  if (webConfigFile === null)
    return { ...place, clients: 'required', readers: 'roles', ...(await textsOf(enrolled)) }
  const { files, clients, allowed } = await readWebConfig(webConfigFile)
  const readers = allowed === null ? 'anybody' : { names: allowed }
  return { ...place, clients, readers, ...(await textsOf({ ...files, crlFile })) }
}

async function textsOf(files: TlsFiles) {
  const { cert, key, ca, crl } = await readTlsTexts(files)
  return { certificate: cert, key, authorities: ca, revocations: crl }
}
