import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import type { TlsListener } from './listener.ts'

/** What is told of a listener. */
export type TlsView = Pick<TlsListener, 'expiries' | 'problem' | 'connections'>

/** Adds what there is to know of a listener over TLS; it is read when it is asked for. */
export function addTlsMetrics(registry: Registry, prefix: string, listener: TlsView): void {
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `${prefix}_${name}`,
      help,
      registers,
      collect() {
        this.set(read())
      }
    })
  new Gauge({
    name: `${prefix}_certificate_expiry_timestamp_seconds`,
    help: 'When a certificate or the revocation list of the listener over TLS expires',
    labelNames: ['certificate'] as const,
    registers,
    collect() {
      this.reset()
      for (const { what, until } of listener.expiries()) this.set({ certificate: what }, until / 1000)
    }
  })
  gauge(
    'certificate_reload_problem',
    '1 while the certificates on the disk are not used, but those of before',
    () => (listener.problem() === null ? 0 : 1)
  )
  gauge('tls_connections', 'Open connections over TLS', () => listener.connections())
}
