import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import type { Operations } from '../operation/operations.ts'

/** 1 while the host is on hold. Gives what sets it. */
export function heldGauge(registry: Registry, operations: Operations): () => Promise<void> {
  const gauge = new Gauge({
    name: 'belay_agent_held',
    help: '1 while the host is on hold: activations are refused',
    registers: [registry]
  })
  return async () => gauge.set((await operations.holds.read()) === null ? 0 : 1)
}
