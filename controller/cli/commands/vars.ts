import { BelayError } from '../../../shared/errors.ts'
import { selectHosts } from '../../inventory/fleet.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { VarsOfHost } from '../../secrets/vars.ts'
import { runVars } from '../../secrets/vars.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import type { HostDone, OnLine } from './build.ts'
import { settle } from './build.ts'

/** Lets clan generate or check the variables of some hosts, one after the other: each changes the same tree. */
export async function vars(
  word: 'generate' | 'check',
  names: readonly string[],
  options: GlobalOptions,
  wiring: Wiring,
  onLine: OnLine
): Promise<HostDone<VarsOfHost>[]> {
  const { fleet, flake } = await loadInventory(options.fleet, wiring)
  const known = fleet.hosts.map(({ name }) => name)
  const done: HostDone<VarsOfHost>[] = []
  for (const host of selectHosts(fleet, names)) {
    const ports = { ...wiring, onLine: (line: string) => onLine(host.name, line) }
    const work = async () => {
      const found = await runVars(word, host, { flake, known }, ports)
      const wrong = found.problems.filter(({ severity }) => severity === 'error')
      if (wrong.length === 0) return found
      const text = wrong.map(({ path, message }) => `${path}: ${message}`).join('\n')
      throw new BelayError('secrets-wrong', text, { found: wrong.length, wanted: 0, at: host.name })
    }
    done.push(await settle(host.name, wiring.signal, work()))
  }
  return done
}
