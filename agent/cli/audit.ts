import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BelayError, describeError } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import type { JournalRecord } from '../journal/journal.ts'
import type { Event } from '../operation/events.ts'
import { operationsRoot } from '../operation/operations.ts'
import { foldOperation } from '../operation/state.ts'
import { excludes, listOperations, operationDirectory, readOperation } from '../operation/store.ts'
import { choosePlatform } from '../platform/choose.ts'
import type { AuditWitness } from '../platform/platform.ts'
import { intactRecords } from '../rescue/intact.ts'
import type { Context } from './commands.ts'
import { print } from './commands.ts'
import * as views from './views/audit.ts'

/** What was found of one operation. */
export interface Finding {
  readonly id: string
  /** `unfinished`: it has not ended, and nothing works on it; `missing`: there is no directory of that name. */
  readonly verdict: 'ok' | 'unfinished' | 'broken' | 'missing'
  /** Whole records, in front of the broken line where there is one. */
  readonly records: number
  /** Hash of the last of them: to be kept elsewhere, and compared. */
  readonly head: string | null
  readonly phase: Phase | null
  /** The broken line, counted from 1. */
  readonly line: number | null
  readonly problem: string | null
}

/** Checks one operation or all. Exit code 0 when all is as it must be, 1 when anything is not. */
export async function auditVerify(context: Context, id?: string, given?: AuditWitness): Promise<number> {
  const witness = given ?? (await (await choosePlatform()).audit())
  const root = operationsRoot(context.settings)
  const findings = id === undefined ? await verifyAll(root, witness) : [await verifyOne(root, id, witness)]
  const ok = findings.every(({ verdict }) => verdict === 'ok')
  print(context, { ok, operations: findings }, () => views.audit(findings))
  return ok ? 0 : 1
}

async function verifyAll(root: string, witness: AuditWitness): Promise<readonly Finding[]> {
  const ids = await listed(root)
  const found = await Promise.all(ids.map((id, i) => verifyFile(root, id, ids.slice(i + 1), witness)))
  const oldest = ids[0] ?? ''
  // The oldest are removed when there are too many; nothing removes one from between.
  const gone = (await witness.activated((id) => id > oldest && !ids.includes(id))).map((id) =>
    missing(id, witness)
  )
  return [...found, ...gone].sort((a, b) => (a.id < b.id ? -1 : 1))
}

async function verifyOne(root: string, id: string, witness: AuditWitness): Promise<Finding> {
  const ids = await listed(root)
  if (ids.includes(id)) return verifyFile(root, id, ids.slice(ids.indexOf(id) + 1), witness)
  if ((await witness.activated((each) => each === id)).length > 0) return missing(id, witness)
  throw new BelayError('operation-unknown', `no operation ${id}`, { found: id })
}

const listed = (root: string) =>
  listOperations(root).catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === 'EACCES' ? 'permission-denied' : 'journal-corrupt'
    throw new BelayError(code, `${root} cannot be read${cause.code === 'EACCES' ? '; be root' : ''}`, {
      cause
    })
  })

const missing = (id: string, { source }: AuditWitness): Finding => ({
  ...{ id, verdict: 'missing', records: 0, head: null, phase: null, line: null },
  problem: `it activated, as ${source} tells, and its directory is gone`
})

/** The journal of one operation, and whether it may be where it is. */
async function verifyFile(
  root: string,
  id: string,
  later: readonly string[],
  witness: AuditWitness
): Promise<Finding> {
  const verify = () =>
    readFile(join(operationDirectory(root, id), 'journal.jsonl'), 'utf8').then(
      (text) => verifyJournal(id, text),
      (error: unknown) => broken(id, [], 1, `the journal cannot be read: ${describeError(error)}`)
    )
  const finding = await verify()
  if (finding.verdict !== 'unfinished') return finding
  const { accepted } = await readOperation(root, id)
  // While one has not ended none is admitted that it keeps out: this one had, and its end was cut off.
  const admitted = await Promise.all(later.map((each) => readOperation(root, each).catch(() => null)))
  if (admitted.some((each) => each !== null && excludes(accepted, each.accepted))) {
    const problem = 'its end was cut off: later operations exist'
    return { ...finding, verdict: 'broken', line: finding.records + 1, problem }
  }
  // It may end while one looks.
  return (await witness.runner(accepted.profile)) === id ? { ...finding, verdict: 'ok' } : verify()
}

/** What a journal tells of itself. One that has not ended is `unfinished`. */
export function verifyJournal(id: string, text: string): Finding {
  const { records, broken: at, tornBytes } = intactRecords<Event>(text)
  const lines = text.split('\n')
  const flaw = firstFlaw(id, records, lines)
  if (flaw !== null) return broken(id, records.slice(0, flaw.line - 1), flaw.line, flaw.problem)
  if (at !== null) return broken(id, records, at.line, whatBroke(lines[at.line - 1] ?? '', records))
  if (records.length === 0) return broken(id, [], 1, 'there is no whole record')
  const { phase } = foldOperation(records)
  if (isTerminal(phase) && tornBytes > 0)
    return broken(id, records, records.length + 1, 'there is something behind the end of the operation')
  const head = records.at(-1)?.hash ?? null
  const verdict = isTerminal(phase) ? 'ok' : 'unfinished'
  return { id, verdict, records: records.length, head, phase, line: null, problem: null }
}

type Records = readonly JournalRecord<Event>[]
interface Flaw {
  readonly line: number
  readonly problem: string
}

function broken(
  id: string,
  records: readonly JournalRecord<Event>[],
  line: number,
  problem: string
): Finding {
  const head = records.at(-1)?.hash ?? null
  return { id, verdict: 'broken', records: records.length, head, phase: null, line, problem }
}

/** Every event there is; a new one does not compile until it is named here. */
const known: Record<Event['type'], true> = {
  accepted: true,
  baseline: true,
  moved: true,
  'activation-started': true,
  'activation-ended': true,
  'window-opened': true,
  retargeted: true,
  'reboot-started': true,
  waiting: true,
  confirmed: true,
  approved: true
}

/** The first record whose place in the chain is right, and which cannot be there all the same. */
function firstFlaw(id: string, records: Records, lines: readonly string[]): Flaw | null {
  let ended = false
  const boots = new Map<string, number>()
  let last: JournalRecord<Event> | null = null
  for (const [i, record] of records.entries()) {
    const problem = flawOf(record, lines[i] ?? '', { id, ended, boots, last })
    if (problem !== null) return foldFlaw(records.slice(0, i)) ?? { line: i + 1, problem }
    boots.set(record.bootId, record.monotonicMs)
    last = record
    ended = record.event.type === 'moved' && isTerminal(record.event.to)
  }
  return foldFlaw(records)
}

/** The first event that cannot follow those before it. */
function foldFlaw(records: Records): Flaw | null {
  try {
    if (records.length > 0) foldOperation(records)
    return null
  } catch (error) {
    const at = /^line (\d+)$/.exec((error instanceof BelayError && error.at) || '')?.[1]
    return { line: Number(at ?? 1), problem: describeError(error) }
  }
}

interface Before {
  readonly id: string
  readonly ended: boolean
  readonly boots: ReadonlyMap<string, number>
  readonly last: JournalRecord<Event> | null
}

function flawOf(record: JournalRecord<Event>, line: string, before: Before): string | null {
  const { event, bootId, monotonicMs } = record
  const { id, ended, boots, last } = before
  // Whatever else stands in the line is in no hash.
  if (JSON.stringify(inOrder(record)) !== line) return 'the line is not as it was written, though its hash is'
  if (!Object.hasOwn(known, String(event?.type))) return `unknown event ${JSON.stringify(event?.type)}`
  if (event.type === 'accepted' && event.id !== id) return `it is of operation ${event.id}`
  if (ended) return 'the operation had ended before'
  if (last !== null && bootId !== last.bootId && boots.has(bootId)) return 'a boot that was over comes again'
  if (monotonicMs < (boots.get(bootId) ?? 0)) return 'it is older than the record before'
  return null
}

const inOrder = ({ seq, at, bootId, monotonicMs, event, previous, hash }: JournalRecord<Event>) => ({
  ...{ seq, at, bootId, monotonicMs, event, previous, hash }
})

/** Why a line does not continue the chain: it was changed, or it is whole and something is missing before it. */
function whatBroke(line: string, before: Records): string {
  let record: JournalRecord<Event>
  try {
    record = JSON.parse(line) as JournalRecord<Event>
    if (typeof record?.seq !== 'number') return 'the line is no record'
  } catch {
    return 'the line cannot be read'
  }
  const { hash, ...body } = inOrder(record)
  if (createHash('sha256').update(JSON.stringify(body)).digest('hex') !== hash)
    return 'the record was changed'
  if (record.seq > before.length) return `record ${before.length + 1} was removed, or moved behind this one`
  if (record.seq < before.length) return `record ${record.seq + 1} stands here again, or was moved here`
  return 'the record is of another journal, or the one before was written anew'
}
