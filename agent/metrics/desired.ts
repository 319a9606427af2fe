import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import type { DesiredKeeper } from '../desired/desired.ts'

/** Families of the desired state, and why it is not reached. Gives what sets them, as it was found last. */
export function desiredGauges(registry: Registry, desired: Pick<DesiredKeeper, 'view'>): () => Promise<void> {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `belay_agent_desired_${name}`, help, labelNames, registers: [registry] })
  const m = {
    revision: gauge('revision', 'Revision of the desired state; 0 where there is none or it was taken back'),
    pending: gauge('pending', '1 for the reason for which the desired state is not reached', ['reason']),
    since: gauge(
      'pending_since_timestamp_seconds',
      'Since when it is this reason; 0 while the desired state is reached or there is none'
    ),
    staleness: gauge(
      'staleness_seconds',
      'How long the host has not run its desired state since that was said; 0 once it does'
    )
  }
  return async () => {
    const { desired: wanted, pending, is } = await desired.view()
    m.revision.set(wanted === null || wanted.withdrawn !== null ? 0 : wanted.revision)
    m.pending.reset()
    if (pending !== null) m.pending.set({ reason: pending.code }, 1)
    m.since.set(pending === null ? 0 : Date.parse(pending.since) / 1000)
    const since = is === 'pending' && wanted !== null ? Date.parse(wanted.receivedAt) : null
    m.staleness.set(since === null ? 0 : Math.max(0, (Date.now() - since) / 1000))
  }
}
