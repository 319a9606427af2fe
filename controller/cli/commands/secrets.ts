import { evaluator } from '../../inventory/evaluate.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { SecretsReport } from '../../secrets/check.ts'
import { checkSecrets } from '../../secrets/check.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Options of `belay secrets check`. */
export interface SecretsOptions extends GlobalOptions {
  readonly host?: readonly string[]
  readonly eval: boolean
}

/** Looks at the secrets of the repository, for the selected hosts. */
export async function secretsCheck(options: SecretsOptions, wiring: Wiring): Promise<SecretsReport> {
  const { fleet, flake, secrets } = await loadInventory(options.fleet, wiring)
  const evaluate = options.eval ? evaluator(flake, wiring.run, wiring.signal) : null
  const hosts = selectHosts(fleet, options.host ?? [])
  const known = fleet.hosts.map(({ name }) => name)
  return checkSecrets({ flake, policy: secrets, hosts, known, evaluate })
}
