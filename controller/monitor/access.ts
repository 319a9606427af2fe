import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readFleetFile } from '../inventory/load.ts'
import { accessesOf } from './access-entries.ts'
import type { Access } from './access-schema.ts'
import { baseOf, openAccess } from './access-schema.ts'

/** How to get at an engine, by its URL. */
export type AccessTo = (url: string) => Promise<Access>

/**
 * Access by the fleet file of whoever asks, read again when it changes. Plans carry URLs alone: who hands in a plan
 * cannot have a secret of this machine sent to an address that the fleet file does not name with it.
 */
export function accessTo(file: string): AccessTo {
  let read: { readonly at: number; readonly known: ReadonlyMap<string, Access> } = {
    at: -1,
    known: new Map()
  }
  return async (url) => {
    const at = (await stat(file).catch(() => null))?.mtimeMs ?? 0
    if (at !== read.at) {
      const { content, file: path } = await readFleetFile(file)
      read = { at, known: accessesOf(content, dirname(path)) }
    }
    return read.known.get(baseOf(url)) ?? openAccess
  }
}
