import { constants } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SignedApproval } from '../../shared/approval.ts'
import { parseApproval } from '../../shared/approval.ts'
import { durableCreate, durableWrite, syncDirectory } from '../../shared/durable-write.ts'
import { BelayError } from '../../shared/errors.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'

/** Approvals kept, whatever their state. */
export const MAX_APPROVALS = 256
/** Bytes read of one file of ours; the plan of a large closure is the largest. */
const MAX_FILE = 8 * 1024 * 1024

const NAME = /^([0-9a-f]{32})\.json$/

/** What ended an approval, for good: there is one end, and the first that is written is it. */
export type Spent =
  | { readonly by: 'operation'; readonly operation: string; readonly at: string }
  | {
      readonly by: 'revoked'
      readonly principal: string
      readonly reason: string
      readonly at: string
    }

/** An approval as it lies in the directory. Nothing but its signature says that it is one. */
export interface Kept extends SignedApproval {
  readonly document: string
  readonly receivedAt: string
  /** Who signed, as seen when it came in; for people. */
  readonly seen: { readonly principal: string; readonly key: string }
  readonly spent: Spent | null
}

/** Approvals of this host: `<id>.json`, what ended each beside it, and the plan that was approved. */
export function approvalStore(stateDirectory: string) {
  const root = join(stateDirectory, 'approvals')
  const fileOf = (id: string, suffix: string) => join(root, `${id}${suffix}.json`)

  const names = async () =>
    (await readdir(root).catch(ignoreMissing<string[]>([])))
      .map((name) => NAME.exec(name)?.[1])
      .filter((id) => id !== undefined)
      .sort()

  const get = (id: string) => readKept(id, fileOf(id, ''), fileOf(id, '.spent'))

  return {
    get,

    /** Those that can be read; the others are passed over: they approve nothing. */
    all: async (): Promise<readonly Kept[]> => {
      const all: Kept[] = []
      for (const id of await names()) {
        const kept = await get(id).catch(() => null)
        if (kept !== null) all.push(kept)
      }
      return all
    },

    count: async () => (await names()).length,

    /** Durable when it returns. False where the identity is taken. */
    add: async (kept: Omit<Kept, 'spent'>, plan: unknown): Promise<boolean> => {
      await mkdir(root, { recursive: true, mode: 0o700 })
      await syncDirectory(stateDirectory)
      const { id } = kept.statement
      await durableWrite(fileOf(id, '.plan'), `${JSON.stringify(plan)}\n`)
      const { document: approval, receivedAt, seen } = kept
      return durableCreate(fileOf(id, ''), `${JSON.stringify({ approval, receivedAt, seen }, null, 2)}\n`)
    },

    /** Ends an approval, durably; gives what ended it, which is another's word where that was first. */
    spend: async (id: string, spent: Spent): Promise<Spent> => {
      if (await durableCreate(fileOf(id, '.spent'), `${JSON.stringify(spent)}\n`)) return spent
      const first = await readOwn(fileOf(id, '.spent'))
      if (first === null) throw notOurs(fileOf(id, '.spent'), 'nothing')
      return JSON.parse(first) as Spent
    },

    /** The plan that was approved, for telling what differs; null where it cannot be read. */
    plan: async (id: string): Promise<unknown> => {
      const text = await readOwn(fileOf(id, '.plan')).catch(() => null)
      try {
        return text === null ? null : JSON.parse(text)
      } catch {
        return null
      }
    },

    /** Forgets an approval: first what allows, last what forbids, so that none comes back to life half-way. */
    remove: async (id: string): Promise<void> => {
      for (const suffix of ['', '.plan', '.spent']) {
        await rm(fileOf(id, suffix), { force: true })
        await syncDirectory(root)
      }
    }
  }
}
export type ApprovalStore = ReturnType<typeof approvalStore>

async function readKept(id: string, file: string, spentFile: string): Promise<Kept | null> {
  const text = await readOwn(file)
  if (text === null) return null
  const { approval, ...rest } = JSON.parse(text) as { approval: string } & Pick<Kept, 'receivedAt' | 'seen'>
  const signed = parseApproval(approval)
  if (signed.statement.id !== id) throw notOurs(file, `an approval ${signed.statement.id}`)
  const spent = await readOwn(spentFile)
  const end = spent === null ? null : (JSON.parse(spent) as Spent)
  return { ...signed, ...rest, document: approval, spent: end }
}

/** A file that this agent wrote: no link, of its own user, not writable by others. Null where there is none. */
async function readOwn(path: string): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    ignoreMissing(null)
  )
  if (file === null) return null
  try {
    const stat = await file.stat()
    const own = stat.isFile() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0
    if (!own || stat.size > MAX_FILE) throw notOurs(path, `mode ${stat.mode.toString(8)}, user ${stat.uid}`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function notOurs(path: string, found: string): BelayError {
  return new BelayError('approval-malformed', `${path} was not written by this agent`, { found, at: path })
}
