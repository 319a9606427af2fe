import { dirname } from 'node:path'
import type { Run } from '../build/run.ts'
import type { Notify } from '../notify/schema.ts'
import { clanHosts } from './clan-source.ts'
import { evaluator } from './evaluate.ts'
import { flakeHosts } from './flake-source.ts'
import { resolveFlake } from './fleet.ts'
import type { Inventory } from './inventory.ts'
import { mergeInventory } from './inventory.ts'
import { readFleetFile } from './load.ts'
import type { Caches, CheckPolicy, SecretsPolicy, VarsPolicy } from './pipeline-schema.ts'
import type { RolloutPolicy } from './rollout-schema.ts'

/** What reading the inventory needs from outside. */
export interface SourcePorts {
  readonly run: Run
  readonly signal: AbortSignal
}

/** The inventory, the policy by which a rollout goes through it, and where messages go. */
export interface LoadedInventory extends Inventory {
  readonly policy: RolloutPolicy
  readonly notify: Notify
  /** The flake with the systems. */
  readonly flake: string
  readonly secrets: SecretsPolicy
  /** Null where nothing is uploaded. */
  readonly vars: VarsPolicy | null
  readonly check: CheckPolicy
  readonly caches: Caches
}

/** Reads the fleet file and the sources that it names. Evaluates nothing when it names none. */
export async function loadInventory(path: string, ports: SourcePorts): Promise<LoadedInventory> {
  const read = await readFleetFile(path)
  const sources = read.content.sources ?? []
  const flake = resolveFlake(read.content.flake ?? '.', dirname(read.file))
  const evaluate = evaluator(flake, ports.run, ports.signal)
  const others = {
    ...(sources.includes('clan') ? { clan: await clanHosts(evaluate) } : {}),
    ...(sources.includes('flake') ? { flake: await flakeHosts(evaluate) } : {})
  }
  const { rollout = {}, notify = {}, secrets = {}, vars = null, check = {}, caches = {} } = read.content
  return { ...mergeInventory(read, others), policy: rollout, notify, flake, secrets, vars, check, caches }
}
