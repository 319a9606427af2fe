import { join } from 'node:path'
import type { ServiceChange } from '../../../shared/api/plan.ts'
import { readStoreFile } from '../nix/store-file.ts'
import { jobFolders, labelsIn } from './candidate.ts'
import type { PlistValue } from './plist.ts'
import { parsePlist } from './plist.ts'

/** Bytes of a property list that are read. */
const MAX_BYTES = 1024 * 1024

/** A job of a system: the text of its property list, and what it says where it can be read. */
export interface Job {
  readonly folder: (typeof jobFolders)[number]
  readonly label: string
  readonly text: string
  readonly plist: PlistValue | null
}

/** The jobs of a system in the store. */
export async function readJobs(system: string): Promise<readonly Job[]> {
  const all = await Promise.all(
    jobFolders.map(async (folder) => {
      const labels = await labelsIn(system, folder)
      return Promise.all(
        labels.map(async (label) => {
          const text = (await readStoreFile(join(system, folder, `${label}.plist`), MAX_BYTES)) ?? ''
          return { folder, label, text, plist: readable(text) }
        })
      )
    })
  )
  return all.flat()
}

function readable(text: string): PlistValue | null {
  try {
    return parsePlist(text)
  } catch {
    return null
  }
}

const kinds = {
  'Library/LaunchDaemons': 'daemon',
  'Library/LaunchAgents': 'agent of every session',
  'user/Library/LaunchAgents': "agent of the user's session"
} as const satisfies Record<(typeof jobFolders)[number], string>

/** What an activation does to the jobs: it compares files, and unloads and loads what differs. */
export function jobChanges(before: readonly Job[], after: readonly Job[]): ServiceChange[] {
  const key = ({ folder, label }: Job) => `${folder}/${label}`
  const [old, now] = [before, after].map((jobs) => new Map(jobs.map((job) => [key(job), job])))
  const keys = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].sort()
  return keys.flatMap((each) => {
    const change = compare(old?.get(each), now?.get(each))
    return change === null ? [] : [change]
  })
}

function compare(old: Job | undefined, now: Job | undefined): ServiceChange | null {
  const job = now ?? old
  if (job === undefined || old?.text === now?.text) return null
  const of = { unit: job.label }
  const kind = kinds[job.folder]
  if (old === undefined)
    return { ...of, change: 'added', action: 'start', whenRunning: 'start', reason: `a new ${kind}` }
  if (now === undefined)
    return { ...of, change: 'removed', action: 'stop', whenRunning: 'stop', reason: `the ${kind} is removed` }
  const keys = changedKeys(old.plist, now.plist)
  const what =
    keys === null ? 'its property list' : keys.length === 0 ? 'the writing of its list' : keys.join(', ')
  return {
    ...of,
    change: 'changed',
    action: 'restart',
    whenRunning: 'restart',
    reason: `${what} of the ${kind} changed`
  }
}

/** Keys of the outermost dictionaries that differ; null where one of them is none. */
export function changedKeys(old: PlistValue | null, now: PlistValue | null): readonly string[] | null {
  const [a, b] = [entriesOf(old), entriesOf(now)]
  if (a === null || b === null) return null
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key)).sort()
}

function entriesOf(value: PlistValue | null): ReadonlyMap<string, string> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return new Map(Object.entries(value).map(([key, each]) => [key, JSON.stringify(each)]))
}
