import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isOfSystem } from '../../shared/api/profile.ts'
import type { GenerationRef } from '../../shared/api/schemas.ts'
import { describeError } from '../../shared/errors.ts'
import { isTerminal } from '../../shared/operation/phase.ts'
import { parseStorePath } from '../../shared/store-path.ts'
import type { Settings } from '../config/settings.ts'
import type { Observed } from '../operation/drift.ts'
import type { Event } from '../operation/events.ts'
import { readKnownGood } from '../operation/known-good.ts'
import { operationsRoot } from '../operation/operations.ts'
import type { OperationState } from '../operation/state.ts'
import { listOperations, operationDirectory, readOperation } from '../operation/store.ts'
import type { GenerationLink } from '../platform/nix/generations.ts'
import { ignoreMissing, readGenerations } from '../platform/nix/generations.ts'
import { intactRecords } from './intact.ts'
import type { Way } from './way.ts'

/** A line of the boot menu. */
export interface BootEntry {
  /** As the menu shows it. */
  readonly label: string
  /** The system that it boots. */
  readonly storePath: string
}

/** All that is known about where this host can go back to. What could not be read is in `notes`, and missing. */
export interface Evidence {
  readonly seen: Observed
  readonly generations: readonly GenerationLink[]
  /** The operation that has not ended. */
  readonly unfinished: OperationState | null
  /** Operations whose journals cannot be read, newest first. */
  readonly unreadable: readonly string[]
  /** What ran before the operations, newest operation first. */
  readonly baselines: readonly GenerationRef[]
  /** Newest first. */
  readonly knownGood: readonly GenerationRef[]
  /** Our roots of the garbage collector: `baseline` is there only while an operation has not ended. */
  readonly roots: Readonly<Record<Root, string | null>>
  readonly bootEntries: readonly BootEntry[]
  /** The store paths of all of these that can be switched to. */
  readonly present: ReadonlySet<string>
  readonly notes: readonly string[]
}

const ROOTS = ['baseline', 'last-known-good', 'known-good-before'] as const
type Root = (typeof ROOTS)[number]

const nothing: Observed = {
  profile: 'system',
  number: null,
  storePath: null,
  running: null,
  booted: null,
  bootDefault: null,
  drift: false
}

/** Reads what there is, and never throws: any of it may be missing or damaged. */
export async function gather(
  settings: Settings,
  { observe, isSwitchable }: Pick<Way, 'observe' | 'isSwitchable'>
): Promise<Evidence> {
  const notes: string[] = []
  const attempt = <T>(what: string, read: Promise<T>, otherwise: T): Promise<T> =>
    read.catch((error: unknown) => {
      notes.push(`${what}: ${describeError(error)}`)
      return otherwise
    })
  const [seen, generations, operations, good, roots, bootEntries] = await Promise.all([
    attempt('the host cannot be looked at', observe(settings), nothing),
    attempt('the generations cannot be listed', readGenerations(settings.profile), []),
    attempt('the operations cannot be listed', readOperations(operationsRoot(settings)), []),
    attempt('the known-good list cannot be used', readKnownGood(settings.stateDirectory), []),
    readRoots(settings.gcRootsDirectory),
    readBootEntries(settings.bootDirectory)
  ])
  const knownGood = good.filter(({ storePath }) => isStorePath(storePath))
  if (knownGood.length < good.length) notes.push('the known-good list names what is no store path')
  const unreadable = operations.filter(({ state }) => state === null)
  for (const { id, problem } of unreadable) notes.push(`operation ${id} cannot be read: ${problem}`)
  const states = operations.map(({ state }) => state).filter((state) => state !== null)
  const baselines = operations.flatMap(({ baseline }) => (baseline === null ? [] : [baseline]))
  const all = [
    ...[...knownGood, ...baselines, ...generations].map(({ storePath }) => storePath),
    ...Object.values(roots).filter((path) => path !== null),
    ...states.flatMap(({ accepted, retarget, baseline }) =>
      [accepted.target, retarget, baseline?.profile].flatMap((ref) => ref?.storePath ?? [])
    )
  ]
  const there = await Promise.all([...new Set(all)].map(async (p) => ((await isSwitchable(p)) ? p : null)))
  return {
    seen,
    generations,
    unfinished: states.find(({ phase }) => !isTerminal(phase)) ?? null,
    unreadable: unreadable.map(({ id }) => id),
    baselines,
    knownGood,
    roots,
    bootEntries,
    present: new Set(there.filter((path) => path !== null)),
    notes
  }
}

const isStorePath = (text: string | null): boolean => {
  try {
    return text !== null && parseStorePath(text) === text
  } catch {
    return false
  }
}

interface Read {
  readonly id: string
  readonly state: OperationState | null
  readonly problem: string
  readonly baseline: GenerationRef | null
}

/** All operations on the system, newest first: a home is no way back of a host. Of one that cannot be read, what its journal said before it broke. */
async function readOperations(root: string): Promise<readonly Read[]> {
  const ids = (await listOperations(root)).toReversed()
  const all = await Promise.all(
    ids.map((id) =>
      readOperation(root, id)
        .then((state) => ({ id, state, problem: '', baseline: state.baseline?.generation ?? null }))
        .then((read) => (isOfSystem(read.state.accepted) ? read : null))
        .catch(async (error: unknown) => ({
          id,
          state: null,
          problem: describeError(error),
          baseline: await salvageBaseline(operationDirectory(root, id))
        }))
    )
  )
  return all.filter((read) => read !== null)
}

/** The baseline of a damaged operation: from the records that are whole, or else from the guard's own file. */
async function salvageBaseline(directory: string): Promise<GenerationRef | null> {
  const text = await readFile(join(directory, 'journal.jsonl'), 'utf8').catch(() => '')
  for (const { event } of intactRecords<Event>(text).records)
    if (event.type === 'baseline' && isStorePath(event.generation.storePath)) return event.generation
  const storePath = (await readFile(join(directory, 'baseline'), 'utf8').catch(() => '')).trim()
  return isStorePath(storePath) ? { number: null, storePath } : null
}

async function readRoots(directory: string): Promise<Evidence['roots']> {
  const read = async (name: Root) => {
    const path = await readlink(join(directory, name)).catch(() => null)
    return [name, isStorePath(path) ? path : null]
  }
  return Object.fromEntries(await Promise.all(ROOTS.map(read))) as Evidence['roots']
}

/** What the menu of systemd-boot shows. Empty where there is another boot loader, or where it cannot be read. */
async function readBootEntries(boot: string): Promise<readonly BootEntry[]> {
  const directory = join(boot, 'loader/entries')
  const names = await readdir(directory)
    .catch(ignoreMissing<string[]>([]))
    .catch(() => [])
  const texts = await Promise.all(
    names.map((name) => readFile(join(directory, name), 'utf8').catch(() => ''))
  )
  return texts.flatMap((text) => {
    const field = (name: string) => new RegExp(`^${name}\\s+(.*?)\\s*$`, 'm').exec(text)?.[1] ?? ''
    const storePath = /\binit=(\S+)\/init\b/.exec(field('options'))?.[1]
    return storePath === undefined ? [] : [{ label: `${field('title')} (${field('version')})`, storePath }]
  })
}
