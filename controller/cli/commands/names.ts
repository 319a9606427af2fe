import { resolveFleet } from '../../inventory/fleet.ts'
import { readFleetFile } from '../../inventory/load.ts'
import type { NameKind } from '../completion/known.ts'
import type { GlobalOptions } from '../wiring.ts'

/** What the fleet file names by itself; nothing is evaluated, for a shell waits for it. */
export async function names(kind: NameKind, { fleet }: GlobalOptions): Promise<string[]> {
  const { content, file } = await readFleetFile(fleet)
  if (kind === 'stages') return (content.rollout?.stages ?? []).map(({ name }) => name)
  return resolveFleet(content, file).hosts.map(({ name }) => name)
}
