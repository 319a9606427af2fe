import type { Platform } from '../platform.ts'
import { bootSession } from './boot-id.ts'
import { darwinHost } from './darwin-host.ts'
import { macMeasures } from './measures.ts'
import { networkProgram } from './network-job.ts'
import { macSessionStart } from './session-start.ts'
import { darwinWitness } from './witness.ts'

/** macOS with nix-darwin. */
export const darwin: Platform = {
  bootId: bootSession,
  host: darwinHost,
  ports: async (options) => (await import('./darwin-ports.ts')).darwinPorts(options),
  witness: darwinWitness,
  audit: async () => (await import('./audit-witness.ts')).macAuditWitness,
  network: networkProgram,
  measures: macMeasures,
  // launchd does not say why it ends a job.
  goesDown: async () => 'unknown',
  sessionStart: macSessionStart,
  startRetention: async (config) => (await import('./retention.ts')).startRetention(config),
  rescue: async () => (await import('./rescue.ts')).darwinWay,
  retention: async () => (await import('./retention.ts')).darwinShelf
}
