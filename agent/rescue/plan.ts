import { basename } from 'node:path'
import type { GenerationRef } from '../../shared/api/schemas.ts'
import { BelayError } from '../../shared/errors.ts'
import type { Phase } from '../../shared/operation/phase.ts'
import type { Settings } from '../config/settings.ts'
import { operationsRoot } from '../operation/operations.ts'
import type { OperationState } from '../operation/state.ts'
import { operationDirectory } from '../operation/store.ts'
import type { Evidence } from './evidence.ts'
import { quoted } from './quote.ts'
import type { Way } from './way.ts'

/** Phases in which nothing has changed on the host. */
const untouched: ReadonlySet<Phase> = new Set(['accepted', 'fetching', 'checking', 'arming'])
/** Phases of an operation that goes back already; from all others only a cancellation leads there. */
const backward: ReadonlySet<Phase> = new Set(['rolling-back', 'stuck'])

/** A generation that the profile can name. */
export interface Chosen {
  readonly number: number
  readonly storePath: string
}

export type StepName = 'stop' | 'cancel' | 'set-aside' | 'add' | 'choose' | 'boot' | 'switch'

/** One command of the way back. */
export interface Step {
  readonly name: StepName
  /** What it does, for a person. */
  readonly what: string
  /** What a person types. */
  readonly command: string
  /** The same as an array; null for what is said to the operation in another way where there is Node. */
  readonly argv: readonly string[] | null
}

/** The shortest way back from where this host is. */
export interface Plan {
  /** What is to run. */
  readonly target: GenerationRef
  /** What the profile is to name and what is to boot: the same, but where they differed before the operation. */
  readonly chosen: Chosen
  /** The system whose files and jobs may be on the host beside those of another: a candidate. */
  readonly left: string | null
  readonly why: string
  /** False where nothing tells that this host is not as it should be. */
  readonly needed: boolean
  /** What has not ended, and whether this is where it goes back to by itself. */
  readonly operation: {
    readonly id: string
    readonly phase: Phase
    readonly reason: string | null
    readonly itsOwnWay: boolean
  } | null
  readonly steps: readonly Step[]
  /** The line of the boot menu, where it is known. */
  readonly bootEntry: string | null
  /** Where else one could go, should the target turn out to be gone. */
  readonly fallbacks: readonly GenerationRef[]
}

/** A place to go back to, and why it is one. */
interface Candidate {
  readonly ref: GenerationRef
  readonly why: string
}

/** The way back; null where there is none but the boot menu. A generation that a person names is where it leads. */
export function planRescue(
  evidence: Evidence,
  settings: Settings,
  way: Way,
  generation?: number
): Plan | null {
  const unfinished = changed(evidence.unfinished)
  const own = unfinished === null ? null : ownTarget(unfinished)
  const candidates = candidatesOf(evidence, unfinished, own)
  const there = candidates.filter(({ ref }) => evidence.present.has(ref.storePath))
  const [first] = generation === undefined ? there : [named(evidence, generation)]
  if (first === undefined) return null
  const { ref: target, why } = first
  const itsOwnWay = unfinished !== null && target.storePath === own?.storePath
  const before = itsOwnWay ? profileBefore(unfinished) : null
  const profile = before !== null && evidence.present.has(before.storePath) ? before : target
  const chosen = numbered(evidence, profile)
  const state = evidence.unfinished
  const menu = evidence.bootEntries.filter(({ storePath }) => storePath === chosen.storePath)
  const { accepted } = unfinished ?? {}
  const tried = accepted?.kind === 'activate' ? accepted.target.storePath : null
  const left = tried === target.storePath ? null : tried
  const entry = menu.find(({ label }) => new RegExp(`\\b${chosen.number}\\b`).test(label)) ?? menu[0]
  return {
    target,
    chosen,
    left,
    why,
    needed: unfinished !== null || openUnseen(evidence),
    operation: state && { id: state.accepted.id, phase: state.phase, reason: state.reason, itsOwnWay },
    steps: stepsOf({ evidence, settings, way, target, chosen, left, itsOwnWay }),
    bootEntry: entry?.label ?? null,
    fallbacks: there
      .map(({ ref }) => ref)
      .filter(
        ({ storePath }, i, all) =>
          storePath !== target.storePath && all.findIndex((each) => each.storePath === storePath) === i
      )
  }
}

/** True for the phases in which an operation has changed nothing. */
export const isUntouched = (phase: Phase) => untouched.has(phase)

const changed = (state: OperationState | null) => (state !== null && !isUntouched(state.phase) ? state : null)

/** Where an unfinished operation goes back to by itself. */
export function ownTarget({ accepted, retarget, baseline }: OperationState): GenerationRef | null {
  return retarget ?? (accepted.kind === 'rollback' ? accepted.target : (baseline?.generation ?? null))
}

/** What its profile goes back to. */
const profileBefore = ({ accepted, retarget, baseline }: OperationState) =>
  retarget === null && accepted.kind === 'activate' ? (baseline?.profile ?? null) : null

/** Whether an operation of which no journal tells has not ended: its baseline is still kept. */
const openUnseen = ({ roots, unfinished, unreadable, baselines }: Evidence) =>
  roots.baseline !== null && unfinished === null && (unreadable.length > 0 || baselines.length === 0)

/** From the surest to the least sure. What runs, and what an operation was to bring, is what one wants to leave. */
function candidatesOf(
  evidence: Evidence,
  unfinished: OperationState | null,
  own: GenerationRef | null
): readonly Candidate[] {
  const { seen, roots, knownGood, baselines, generations } = evidence
  const of = (why: string) => (ref: GenerationRef) => ({ ref, why })
  const kept = (path: string | null) => (path === null ? [] : [{ number: null, storePath: path }])
  const left: (string | null)[] = [seen.running]
  if (unfinished?.accepted.kind === 'activate') left.push(unfinished.accepted.target.storePath)
  const before = generations.toReversed().filter(({ number }) => number < (seen.number ?? Infinity))
  const profile = seen.storePath === null ? [] : [{ number: seen.number, storePath: seen.storePath }]
  return [
    ...(own === null ? [] : [own]).map(of(`operation ${unfinished?.accepted.id} goes back to it`)),
    ...(openUnseen(evidence) ? kept(roots.baseline) : []).map(
      of('it ran before an operation that has not ended')
    ),
    ...[
      ...knownGood.map(of('it is the newest other generation known to be good')),
      ...[...kept(roots['last-known-good']), ...kept(roots['known-good-before'])].map(
        of('it was kept from the garbage collector as known to be good')
      ),
      ...baselines.map(of('it ran before an earlier operation')),
      ...profile.map(of('the system profile names it')),
      ...before.map(of('it is the generation before; nobody knows whether it is good'))
    ].filter(({ ref }) => !left.includes(ref.storePath))
  ]
}

/** The generation that a person named. Throws `generation-unknown` or `path-not-valid`. */
function named({ generations, present }: Evidence, number: number): Candidate {
  const found = generations.find((link) => link.number === number)
  if (found === undefined) {
    const wanted = generations.map((link) => link.number)
    const text = `no generation ${number}; there are ${wanted.join(', ') || 'none'}`
    throw new BelayError('generation-unknown', text, { found: number, wanted, at: 'generation' })
  }
  if (!present.has(found.storePath)) {
    const text = `generation ${number} is not in the store any more`
    throw new BelayError('path-not-valid', text, { found: found.storePath, at: 'generation' })
  }
  return { ref: { number, storePath: found.storePath }, why: 'you named it' }
}

/** The generation link of a system: the recorded one, the newest that names it, or one that is still to be made. */
function numbered({ generations }: Evidence, ref: GenerationRef): Chosen {
  const links = generations.filter(({ storePath }) => storePath === ref.storePath)
  const link = links.find(({ number }) => number === ref.number) ?? links.at(-1)
  const number = link?.number ?? (generations.at(-1)?.number ?? 0) + 1
  return { number, storePath: ref.storePath }
}

function stepsOf(of: {
  readonly evidence: Evidence
  readonly settings: Settings
  readonly way: Way
  readonly target: GenerationRef
  readonly chosen: Chosen
  readonly left: string | null
  readonly itsOwnWay: boolean
}): readonly Step[] {
  const { evidence, settings, way, target, chosen, left, itsOwnWay } = of
  const { unfinished } = evidence
  const { profile } = settings
  const link = `${basename(profile)}-${chosen.number}-link`
  const linked = evidence.generations.some(({ number }) => number === chosen.number)
  // By the link where there is one: shorter to type on a console.
  const system = (path: string) => (path === chosen.storePath ? `${profile}-${chosen.number}-link` : path)
  const step = (name: Step['name'], what: string, argv: readonly string[]) => ({
    name,
    what,
    argv,
    command: quoted(argv)
  })
  const boot = way.boot(system(chosen.storePath))
  return [
    step(
      'stop',
      'Stop what would interfere ("not loaded" is fine):',
      way.stop(unfinished?.accepted.id ?? null)
    ),
    ...(unfinished === null ? [] : wordsTo(unfinished, settings, itsOwnWay)),
    ...(linked
      ? []
      : [
          step('add', 'Give it a generation:', [
            'ln',
            '-s',
            chosen.storePath,
            `${profile}-${chosen.number}-link`
          ])
        ]),
    step('choose', 'Choose it:', ['ln', '-sfn', link, profile]),
    ...(boot === null ? [] : [step('boot', 'Make it the one that boots:', boot)]),
    step('switch', 'Start it:', way.switch(system(target.storePath), left))
  ]
}

/** What keeps an unfinished operation from going on elsewhere when its runner comes back. */
function wordsTo(state: OperationState, settings: Settings, itsOwnWay: boolean): Step[] {
  const { id } = state.accepted
  const directory = operationDirectory(operationsRoot(settings), id)
  if (!itsOwnWay && !isUntouched(state.phase)) {
    const command = quoted(['mv', directory, setAside(settings, id)])
    const what = 'Put the operation aside: by itself it would go elsewhere:'
    return [{ name: 'set-aside', what, command, argv: null }]
  }
  if (backward.has(state.phase)) return []
  const command = `echo '{}' >${quoted([`${directory}/cancel.json`])}`
  return [{ name: 'cancel', what: 'Tell the operation to give up:', command, argv: null }]
}

/** Where an operation lies that nobody is to go on with. */
export const setAside = ({ stateDirectory }: Pick<Settings, 'stateDirectory'>, id: string) =>
  `${stateDirectory}/${id}.set-aside`
