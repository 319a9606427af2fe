import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GenerationMark } from '../../shared/api/mark.ts'
import { unproven } from '../../shared/api/mark.ts'
import type { GenerationRef } from '../../shared/api/schemas.ts'
import { durableWrite } from '../../shared/durable-write.ts'
import { BelayError } from '../../shared/errors.ts'
import { ignoreMissing } from '../platform/nix/generations.ts'
import { untouchedCodes } from './drift.ts'
import type { OperationState } from './state.ts'

/** How many marks of each kind are remembered. */
const KEPT = 100
/** Characters of a reason. */
const REASON_LENGTH = 500

/** What an operation found out about a store path. The number is the one it had then; numbers are used again. */
export interface Mark extends GenerationRef, Omit<GenerationMark, 'state'> {
  readonly state: 'good' | 'bad'
}

/** Codes of rollbacks that say nothing of the candidate: a person, another deployer or the host was the reason. */
const notItsFault: ReadonlySet<string> = new Set([
  'cancelled',
  ...untouchedCodes,
  'rebooted',
  'operation-running',
  'profile-moved',
  'no-space',
  'trial-boot-unavailable',
  // Something else of the operation: of a system with homes, the other part.
  'home-failed'
])

/** All marks, newest first, each store path once. Throws `journal-corrupt` for a file that cannot be read. */
export async function readMarks(stateDirectory: string): Promise<readonly Mark[]> {
  const text = await readFile(file(stateDirectory), 'utf8').catch(ignoreMissing(null))
  if (text === null) return readFormer(stateDirectory)
  return parse(text, file(stateDirectory), ({ marks }) => marks as Mark[])
}

/** What earlier versions wrote: good generations alone. It counts until the first mark is written. */
async function readFormer(stateDirectory: string): Promise<readonly Mark[]> {
  const path = join(stateDirectory, 'known-good.json')
  const text = await readFile(path, 'utf8').catch(ignoreMissing(null))
  if (text === null) return []
  return parse(text, path, ({ generations }) =>
    (generations as GenerationRef[]).map(({ number, storePath }) => ({
      ...unproven,
      number,
      storePath,
      state: 'good'
    }))
  )
}

function parse(
  text: string,
  at: string,
  listOf: (content: Record<string, unknown>) => readonly Mark[]
): readonly Mark[] {
  try {
    const marks = listOf(JSON.parse(text) as Record<string, unknown>)
    const isMark = (mark: Mark) =>
      typeof mark.storePath === 'string' && (mark.state === 'good' || mark.state === 'bad')
    if (marks.every(isMark)) return marks
    throw new Error('not a list of marks')
  } catch (cause) {
    throw new BelayError('journal-corrupt', `${at} is unreadable`, {
      cause,
      at,
      wanted:
        'for a rollback a generation number, from `belay-agent generations`; for an activation again: true'
    })
  }
}

/** Makes marks durable. */
export async function writeMarks(stateDirectory: string, marks: readonly Mark[]): Promise<void> {
  await durableWrite(file(stateDirectory), `${JSON.stringify({ marks }, null, 2)}\n`)
}

/** How an operation ended, and what it left. */
export interface Ended {
  readonly state: OperationState
  /** The system that runs now, and the number that the profile gives the candidate. */
  readonly running: string | null
  readonly number: number | null
}

/**
 * The marks after an operation. What was committed is good, and so is the baseline unless it is known to be bad; both
 * stand in front, which is the order in which an emergency rollback goes through them. A candidate that was rolled
 * back is bad. What an emergency rollback has left is unproven again.
 */
export function marksAfter(marks: readonly Mark[], { state, running, number }: Ended): readonly Mark[] {
  const { accepted, baseline, phase } = state
  const by = { at: state.updatedAt, operation: accepted.id }
  const good = (ref: GenerationRef): Mark => ({ ...ref, ...by, state: 'good', reason: null, code: null })
  const known = (path: string) => marks.find(({ storePath }) => storePath === path)
  const { storePath } = accepted.target
  const fresh: Mark[] = []
  if (phase === 'committed') fresh.push(good({ number, storePath }))
  if (isBad(state)) {
    const reason = (state.reason ?? '').slice(0, REASON_LENGTH)
    fresh.push({
      number: known(storePath)?.number ?? null,
      storePath,
      ...by,
      state: 'bad',
      reason,
      code: state.code
    })
  }
  if (baseline && known(baseline.generation.storePath)?.state !== 'bad') fresh.push(good(baseline.generation))
  const left = accepted.kind === 'rollback' && accepted.from !== running ? accepted.from : null
  const older = marks.filter((mark) => mark.state === 'bad' || mark.storePath !== left)
  const all = [...fresh, ...older].filter(
    (mark, i, list) => list.findIndex((other) => other.storePath === mark.storePath) === i
  )
  const newest = (wanted: Mark['state']) => all.filter((mark) => mark.state === wanted).slice(0, KEPT)
  const kept = new Set([...newest('good'), ...newest('bad')])
  return all.filter((mark) => kept.has(mark))
}

/** Whether a rollback with this code says something of the candidate. */
export const isItsFault = (code: string | null): boolean => !notItsFault.has(code ?? '')

/** Whether an operation says that its candidate is bad. What was the baseline as well is where one goes back to. */
function isBad({ accepted, baseline, phase, code }: OperationState): boolean {
  return (
    phase === 'rolled-back' &&
    accepted.kind === 'activate' &&
    isItsFault(code) &&
    baseline?.generation.storePath !== accepted.target.storePath
  )
}

/** The mark of a generation. */
export function markOf(marks: readonly Mark[], storePath: string): GenerationMark {
  const mark = marks.find((each) => each.storePath === storePath)
  if (mark === undefined) return unproven
  const { state, reason, code, at, operation } = mark
  return { state, reason, code, at, operation }
}

/** Throws `known-bad` for a store path whose activation was rolled back. */
export function assertNotBad(marks: readonly Mark[], storePath: string): void {
  const { state, reason, operation } = markOf(marks, storePath)
  if (state !== 'bad') return
  const text = `operation ${operation} has rolled this generation back: ${reason}; --again tries it all the same`
  throw new BelayError('known-bad', text, {
    found: { reason, operation },
    wanted: 'again: true',
    at: 'storePath'
  })
}

const file = (stateDirectory: string) => join(stateDirectory, 'marks.json')
