import type { Run } from '../build/run.ts'
import { inCache } from '../cache/evidence.ts'
import type { Caches } from '../inventory/pipeline-schema.ts'
import { hostClient } from '../transport/host-client.ts'
import type { Item } from './judge.ts'
import { judge } from './judge.ts'

/** What looking for evidence needs from outside. */
export interface EvidencePorts {
  readonly run: Run
  readonly signal: AbortSignal
  readonly now: () => number
  readonly caches: Caches
}

/** Milliseconds for one question; preflight has a limit of its own. */
const LIMIT = 60_000

/** Every point of the checklist, for one generation of the host behind the socket. Changes nothing. */
export async function evidenceOf(
  socketPath: string,
  storePath: string,
  drillDays: number,
  { run, signal, now, caches }: EvidencePorts
): Promise<readonly Item[]> {
  const client = hostClient(socketPath, LIMIT)
  const asked = Object.entries(caches).flatMap(([cache, { url }]) =>
    url === undefined ? [] : [inCache({ name: cache, url }, storePath, run, signal)]
  )
  const [preflight, { operations }, { checks }, { generations }, { approvals }, ...found] = await Promise.all(
    [
      client.preflight(storePath, 'switch'),
      client.operations(),
      client.checks(),
      client.generations(),
      client.approvals(),
      ...asked
    ]
  )
  return judge({
    ...{ storePath, preflight, operations, checks, generations, approvals },
    ...{ caches: found, nowMs: now(), drillDays }
  })
}
