import { stat } from 'node:fs/promises'
import { loadFleet } from './load.ts'

/** The holds as the fleet file has them now; read again when it changes. */
export function holdsOf(file: string): () => Promise<ReadonlyMap<string, string>> {
  let read = { at: -1, holds: new Map<string, string>() as ReadonlyMap<string, string> }
  return async () => {
    const at = (await stat(file).catch(() => null))?.mtimeMs ?? 0
    if (at === read.at) return read.holds
    const { hosts } = await loadFleet(file)
    const holds = hosts.flatMap(({ name, hold }) => (hold === null ? [] : [[name, hold] as const]))
    read = { at, holds: new Map(holds) }
    return read.holds
  }
}
