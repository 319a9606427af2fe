import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import type { Operations } from '../operation/operations.ts'

/** 1 while the host is on hold; read when it is asked for. */
export function heldGauge(registry: Registry, operations: Operations): void {
  new Gauge({
    name: 'belay_agent_held',
    help: '1 while the host is on hold: activations are refused',
    registers: [registry],
    async collect() {
      this.set((await operations.holds.read()) === null ? 0 : 1)
    }
  })
}
