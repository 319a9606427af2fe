import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asNoSpace, setReserve, syncDirectory } from '../../shared/durable-write.ts'
import { BelayError, codeOf } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { Instant } from '../journal/journal.ts'
import { openJournal, readJournal } from '../journal/journal.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import type { Accepted, Event } from './events.ts'
import { profilesOfOperation } from './parts.ts'
import type { OperationState } from './state.ts'
import { foldOperation } from './state.ts'

/** A request as admitted, before it has an identity. `idempotency` carries the caller's key and the request's hash. */
export type Admission = Omit<Accepted, 'type' | 'id'>

/** By then an admission has ended, whatever the disk is like. */
const LEFTOVER_MS = 3_600_000

const ID = /^\d{8}T\d{9}Z-[0-9a-f]{8}$/

/** Whether a text has the form of an operation's identity. */
export const isIdentity = (text: string): boolean => ID.test(text)

/** The directory of an operation. Throws `operation-unknown` for what cannot be an identity, so no path gets out. */
export function operationDirectory(root: string, id: string): string {
  if (ID.test(id)) return join(root, id)
  throw new BelayError('operation-unknown', `no operation ${JSON.stringify(id.slice(0, 80))}`, {
    found: id.slice(0, 80)
  })
}

/** The hash under which a request is compared with a later one that carries the same key. */
export function requestHash(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex')
}

/** State of one operation, from its journal. Throws `operation-unknown` or `journal-corrupt`. */
export async function readOperation(root: string, id: string): Promise<OperationState> {
  const file = join(operationDirectory(root, id), 'journal.jsonl')
  const records = await readJournal<Event>(file)
    .catch(ignoreMissing(null))
    .catch((cause: unknown) => {
      if (cause instanceof BelayError) throw cause
      throw new BelayError('journal-corrupt', `${file} cannot be read`, { cause, at: file })
    })
  if (records === null) throw new BelayError('operation-unknown', `no operation ${id}`, { found: id })
  return foldOperation(records)
}

/** For `catch`: null for a journal that cannot be read or is not there; any other error goes on. */
export function ignoreCorrupt(error: unknown): null {
  if (codeOf(error) === 'journal-corrupt' || codeOf(error) === 'operation-unknown') return null
  throw error
}

/** Identities of all operations, oldest first. What is no operation's directory is passed over. */
export async function listOperations(root: string): Promise<readonly string[]> {
  return (await readdir(root).catch(ignoreMissing<string[]>([]))).filter((name) => ID.test(name)).sort()
}

/**
 * Whether an operation that has not ended keeps another from beginning: one that moves the same profile, and an activation
 * of a home while the system changes. What a user does to a home keeps the system from nothing that leaves out that home.
 */
export function excludes(open: Accepted, asked: Pick<Accepted, 'profile' | 'kind' | 'homes'>): boolean {
  const moved = profilesOfOperation(open)
  if (profilesOfOperation(asked).some((profile) => moved.includes(profile))) return true
  return open.profile === 'system' && asked.kind === 'activate'
}

/**
 * Makes an operation durable. The same key with the same request gives the operation that it gave before; with
 * another request `idempotency-conflict`. While an operation has not ended that {@link excludes} it, it is refused with
 * `operation-running`. While a journal cannot be read nobody knows what that operation did: an activation is refused
 * with `journal-corrupt`, and a rollback goes on.
 */
export async function admit(root: string, admission: Admission, now: () => Instant): Promise<OperationState> {
  for (const id of await listOperations(root)) {
    const earlier = await readOperation(root, id).catch((error: unknown) => {
      // A directory without a journal was never admitted.
      if (codeOf(error) === 'operation-unknown') return null
      if (admission.kind === 'rollback' && codeOf(error) === 'journal-corrupt') return null
      throw error
    })
    if (earlier === null) continue
    const key = earlier.accepted.idempotency
    if (key !== null && key.key === admission.idempotency?.key) {
      // Whoever admitted it may have died before its name was on the disk.
      await syncNames(root)
      return sameRequest(earlier, admission)
    }
    if (!isTerminal(earlier.phase) && excludes(earlier.accepted, admission)) {
      throw new BelayError('operation-running', `operation ${id} is ${earlier.phase}`, {
        found: id,
        wanted: 'no unfinished operation'
      })
    }
  }
  return create(root, admission, now)
}

function sameRequest(earlier: OperationState, admission: Admission): OperationState {
  if (earlier.accepted.idempotency?.request === admission.idempotency?.request) return earlier
  const text = `the idempotency key was used for another request, operation ${earlier.accepted.id}`
  throw new BelayError('idempotency-conflict', text, {
    found: earlier.accepted.id,
    wanted: 'the same request, or a new key'
  })
}

/** The directory appears with its journal in it or not at all. */
async function create(root: string, admission: Admission, now: () => Instant): Promise<OperationState> {
  const instant = now()
  const id = newIdentity(instant, (await listOperations(root)).at(-1))
  const directory = operationDirectory(root, id)
  const temporary = `${directory}.new`
  try {
    await mkdir(temporary, { recursive: true, mode: 0o750 })
    await setReserve(temporary)
    const journal = await openJournal<Event>(join(temporary, 'journal.jsonl'), () => instant)
    await journal.append({ ...admission, type: 'accepted', id }).finally(() => journal.close())
    await rename(temporary, directory)
    await syncNames(root)
    return foldOperation(journal.records)
  } catch (error) {
    // The caller hears that it failed: it must not happen later. Durable, or a name without a journal could stay.
    await rename(directory, temporary)
      .then(() => syncDirectory(root))
      .catch(() => {})
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    throw asNoSpace(error, root)
  }
}

/** Makes the names of the operations durable, and that of their folder, which the first of them made. */
async function syncNames(root: string): Promise<void> {
  await syncDirectory(root)
  await syncDirectory(dirname(root))
}

/** Removes an operation. The name goes first: a directory without its journal would be one that nobody can read. */
export async function removeOperation(root: string, id: string): Promise<void> {
  const directory = operationDirectory(root, id)
  await rename(directory, `${directory}.gone`)
  await syncDirectory(root)
  await rm(`${directory}.gone`, { recursive: true, force: true })
}

/** Removes what an admission or a removal left that was cut off; what was accepted within the hour may be on its way. */
export async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root).catch(ignoreMissing<string[]>([]))) {
    const [, id = ''] = /^(.*)\.(?:new|gone)$/.exec(name) ?? []
    if (ID.test(id) && Math.abs(Date.now() - timeOf(id)) > LEFTOVER_MS)
      await rm(join(root, name), { recursive: true, force: true })
  }
}

/** Sorts behind the newest identity, even when the clock was set back in between. */
function newIdentity(instant: Instant, newest: string | undefined): string {
  const after = newest === undefined ? 0 : timeOf(newest) + 1
  const at = new Date(Math.max(Date.parse(instant.at), after)).toISOString()
  return `${at.replace(/[-:.]/g, '')}-${randomBytes(4).toString('hex')}`
}

/** Milliseconds since the epoch in an identity. */
function timeOf(id: string): number {
  const [, y, mo, d, h, mi, s, ms] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z/.exec(id) ?? []
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}.${ms}Z`)
}
