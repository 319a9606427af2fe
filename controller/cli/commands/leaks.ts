import { parseStorePath } from '../../../shared/store-path.ts'
import { loadInventory } from '../../inventory/sources.ts'
import type { LeakReport } from '../../leaks/scan-closure.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'

/** Looks for secrets in what is new of some closures of this machine. */
export async function secretsScan(
  paths: readonly string[],
  options: GlobalOptions,
  wiring: Wiring
): Promise<readonly LeakReport[]> {
  const { secrets } = await loadInventory(options.fleet, wiring)
  const reports: LeakReport[] = []
  for (const path of paths.map(parseStorePath)) reports.push(await wiring.scan(path, secrets, wiring.signal))
  return reports
}
