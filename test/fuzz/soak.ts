import { mkdirSync } from 'node:fs'
import { parseSettings } from '../../agent/config/settings.ts'
import { doWork } from '../../agent/health/history/job.ts'
import { Soak } from '../../agent/health/soak/soak.ts'
import { hostWitness } from '../../agent/health/soak/witness.ts'

const running = `/nix/store/${'a'.repeat(32)}-nixos-system`

/** The real soak with its real files, on a host that is only told and has never booted before. */
export function promisedSoak(stateDirectory: string): Soak {
  const root = `${stateDirectory}/operations`
  mkdirSync(root, { recursive: true })
  return new Soak({
    settings: parseSettings(JSON.stringify({ hostName: 'cinnabar', stateDirectory }), 'test'),
    logger: { warn: () => {}, info: () => {} } as never,
    operations: { all: async () => [], root },
    host: { observe: async () => ({ storePath: running, number: 1, running }) as never },
    witness: { ...hostWitness('boot'), failedUnits: async () => [], bootSeconds: async () => 1 },
    worker: async (work) => doWork(work, new Date())
  })
}
