import { BelayError } from '../../../shared/errors.ts'
import type { Platform } from '../platform.ts'
import { bootSession } from './boot-id.ts'
import { darwinHost } from './darwin-host.ts'
import { macMeasures } from './measures.ts'
import { macSessionStart } from './session-start.ts'
import { darwinWitness } from './witness.ts'

/** macOS with nix-darwin. */
export const darwin: Platform = {
  bootId: bootSession,
  host: darwinHost,
  ports: async (options) => (await import('./darwin-ports.ts')).darwinPorts(options),
  witness: darwinWitness,
  measures: macMeasures,
  missing: {
    rescue:
      'as root, with a system of ls -l /nix/var/nix/profiles/system-*-link: launchctl bootout system/org.belay.operation; nix-env -p /nix/var/nix/profiles/system --set SYSTEM && SYSTEM/activate',
    gc: 'nix-env -p /nix/var/nix/profiles/system --delete-generations NUMBER…, then nix-collect-garbage'
  },
  // launchd does not say why it ends a job.
  goesDown: async () => 'unknown',
  sessionStart: macSessionStart,
  startRetention: async () => {
    throw new BelayError('not-on-this-platform', 'generations are not deleted by the agent on macOS', {
      found: 'retention.schedule',
      wanted: null,
      at: 'retention.schedule'
    })
  },
  // There is no message at login that every shell shows.
  keepLoginMessage: async () => {}
}
