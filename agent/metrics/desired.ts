import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import type { DesiredKeeper } from '../desired/desired.ts'

/** The desired state, and why it is not reached; read when it is asked for, as it was found last. */
export function desiredGauges(registry: Registry, desired: Pick<DesiredKeeper, 'view'>): void {
  const registers = [registry]
  const name = (rest: string) => `belay_agent_desired_${rest}`
  new Gauge({
    name: name('revision'),
    help: 'Revision of the desired state; 0 where there is none or it was taken back',
    registers,
    async collect() {
      const { desired: wanted } = await desired.view()
      this.set(wanted === null || wanted.withdrawn !== null ? 0 : wanted.revision)
    }
  })
  new Gauge({
    name: name('pending'),
    help: '1 for the reason for which the desired state is not reached',
    labelNames: ['reason'],
    registers,
    async collect() {
      const { pending } = await desired.view()
      this.reset()
      if (pending !== null) this.set({ reason: pending.code }, 1)
    }
  })
  new Gauge({
    name: name('pending_since_timestamp_seconds'),
    help: 'Since when it is this reason; 0 while the desired state is reached or there is none',
    registers,
    async collect() {
      const { pending } = await desired.view()
      this.set(pending === null ? 0 : Date.parse(pending.since) / 1000)
    }
  })
  new Gauge({
    name: name('staleness_seconds'),
    help: 'How long the host has not run its desired state since that was said; 0 once it does',
    registers,
    async collect() {
      const { desired: wanted, is } = await desired.view()
      const since = is === 'pending' && wanted !== null ? Date.parse(wanted.receivedAt) : null
      this.set(since === null ? 0 : Math.max(0, (Date.now() - since) / 1000))
    }
  })
}
