import { pushPath } from '../../build/push.ts'
import { check as carryOut } from '../../check/check.ts'
import type { CheckReport } from '../../check/report.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import { leakGate } from '../../leaks/gate.ts'
import { checkSecrets } from '../../secrets/check.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { OnLine } from './build.ts'

/** Options of `belay check`. */
export interface CheckOptions extends GlobalOptions {
  readonly host?: readonly string[]
  readonly maxParallel: number
  readonly preview?: true
  readonly markdown?: true
  readonly junit?: string
  readonly summary?: string
}

/** Checks the selected hosts and the repository. */
export async function check(options: CheckOptions, wiring: Wiring, onLine: OnLine): Promise<CheckReport> {
  const { fleet, flake, secrets, check: policy } = await loadInventory(options.fleet, wiring)
  const hosts = selectHosts(fleet, options.host ?? [])
  const { run, signal, clock, openTunnel, scan } = wiring
  const leaks = leakGate(scan, secrets, signal)
  const known = fleet.hosts.map(({ name }) => name)
  // A host that does not evaluate is told by its own step.
  const secretsOf = () => checkSecrets({ flake, policy: secrets, hosts, known, evaluate: null })
  const push = options.preview
    ? (host: (typeof hosts)[number], storePath: string) =>
        pushPath(host, storePath, { run, signal, onLine, leaks })
    : null
  return await carryOut(
    { hosts, flake, policy, maxParallel: options.maxParallel, secretsOf },
    {
      ...{ run, scan, openTunnel, signal, secrets, onLine, push, now: clock.now },
      date: () => new Date(clock.now())
    }
  )
}
