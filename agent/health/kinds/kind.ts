import type { Static, TObject, TProperties, TSchema } from 'typebox'
import { Type } from 'typebox'
import type { BoundedResult } from '../../../shared/command.ts'
import type { CheckEvidence, CheckResult } from '../../../shared/verdict/evidence.ts'
import type { Observed } from '../../operation/drift.ts'

/** What one run found. */
export interface Finding {
  readonly result: CheckResult
  readonly value: number | null
  readonly message: string
}

/** What a kind that looks over the network may ask of wherever it runs. Nothing here outlives the signal of the run. */
export interface NetworkWorld {
  /** Put before absolute paths such as /proc; empty but in tests. */
  readonly root: string
  /** Milliseconds since the epoch. */
  now(): number
  readonly signal: AbortSignal
}

/** What a kind may ask of the host. */
export interface World extends NetworkWorld {
  readonly bootId: string
  monotonicMs(): number
  /** Runs a program, ended with its process group by the signal or when it has written too much. */
  run(argv: readonly string[], options?: { readonly maxOutput?: number }): Promise<BoundedResult>
  /** The same in a transient unit of its own, from which no process escapes. */
  runContained(argv: readonly string[], options: Contained): Promise<BoundedResult>
  /** Has the network half look: the agent itself does not reach the network. Rejects where that one does not answer. */
  network(question: Question): Promise<Finding>
  observe(): Promise<Observed>
  /** What the check remembers over restarts of the agent. */
  recall(): unknown
  remember(memory: unknown): void
}

/** What the network half is to look at. */
export interface Question {
  /** One of `networkKinds`, with options that were checked. */
  readonly kind: string
  readonly options: unknown
  /** It is told to give up after so long, in milliseconds; without it, when the run is over. */
  readonly withinMs?: number
}

/** How a command of the configuration is run. */
export interface Contained {
  readonly user: string | null
  readonly environment: Readonly<Record<string, string>>
}

/** Looks once. May throw: what is thrown becomes `unknown`. */
export type Measure<W extends NetworkWorld = World> = (world: W) => Promise<Finding>

/** What the values of a check are. */
export interface Gives {
  readonly measures: CheckEvidence['measures']
  readonly unit: string | null
}

/** A kind of check: its own options, what it gives, and how it looks. */
export interface Kind<W extends NetworkWorld = World> {
  readonly options: TProperties
  /** False for what an activation under way changes by itself. */
  readonly mayVote: boolean
  gives(options: unknown): Gives
  /** What the schema cannot say is wrong with the options, or null. */
  problem(options: unknown): string | null
  /** What it remembers when the host goes down because somebody told it to. */
  goingDown(memory: unknown): unknown
  /** Whether it looks over the network, so that the network half has to. */
  overNetwork(options: unknown): boolean
  /** One check of this kind; between its runs it may keep what it needs. */
  begin(options: unknown): Measure<W>
}

interface Definition<P extends TProperties, W extends NetworkWorld> {
  readonly options: P
  readonly gives: Gives | ((options: Static<TObject<P>>) => Gives)
  readonly mayVote?: false
  readonly problem?: (options: Static<TObject<P>>) => string | null
  readonly goingDown?: (memory: unknown) => unknown
  readonly overNetwork?: (options: Static<TObject<P>>) => boolean
  readonly begin: (options: Static<TObject<P>>) => Measure<W>
}

/** Makes a kind of its definition. Its options reach it only after they were checked against its schema. */
export function defineKind<P extends TProperties, W extends NetworkWorld = World>(
  definition: Definition<P, W>
): Kind<W> {
  const { options, gives, mayVote = true, problem, goingDown, overNetwork, begin } = definition
  const own = (checked: unknown) => checked as Static<TObject<P>>
  return {
    options,
    mayVote,
    gives: (checked) => (typeof gives === 'function' ? gives(own(checked)) : gives),
    problem: (checked) => problem?.(own(checked)) ?? null,
    goingDown: (memory) => (goingDown ? goingDown(memory) : memory),
    overNetwork: (checked) => overNetwork?.(own(checked)) ?? false,
    begin: (checked) => begin(own(checked))
  }
}

/** The same for a kind that the network half can look with: it has no more than that. */
export const defineNetworkKind = <P extends TProperties>(definition: Definition<P, NetworkWorld>) =>
  defineKind(definition)

/** A plain yes or no. */
export const yesOrNo: Gives = { measures: null, unit: null }

/** From which value on a check warns, and from which on it fails; null is never. */
export interface Thresholds {
  readonly warn: number | null
  readonly fail: number | null
}

/** The options of a kind whose greater values are worse. */
export function thresholds(what: string, presets: Thresholds) {
  const bound = (word: string, preset: number | null) =>
    Type.Union([Type.Number(), Type.Null()], {
      description: `${what} from which on it ${word}`,
      default: preset
    })
  return { warn: bound('warns', presets.warn), fail: bound('fails', presets.fail) }
}

/** Judges a value where more is worse. */
export function judge(value: number, { warn, fail }: Thresholds, message: string): Finding {
  if (!Number.isFinite(value)) return { result: 'unknown', value: null, message: `no number: ${message}` }
  const over = (bound: number | null) => bound !== null && value >= bound
  return { result: over(fail) ? 'fail' : over(warn) ? 'warn' : 'pass', value, message }
}

export const pass = (message: string, value: number | null = null): Finding => ({
  result: 'pass',
  value,
  message
})
export const fail = (message: string, value: number | null = null): Finding => ({
  result: 'fail',
  value,
  message
})
export const unknown = (message: string): Finding => ({ result: 'unknown', value: null, message })

/** Names in a message: the first few, and how many more there are. */
export function some(names: readonly string[], most = 5): string {
  const more = names.length - most
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

export const path = (description: string, preset?: string) =>
  Type.String({
    pattern: '^/[^\\u0000-\\u001f]*$',
    maxLength: 4096,
    description,
    ...(preset === undefined ? {} : { default: preset })
  })
/** A host name or an address; never an option of a command line. */
export const hostName = (description: string) =>
  Type.String({ pattern: '^[A-Za-z0-9_:.\\[\\]][A-Za-z0-9_:.%\\[\\]-]{0,252}$', description })
export const port = (preset?: number) =>
  Type.Integer({
    minimum: 1,
    maximum: 65_535,
    description: 'TCP port',
    ...(preset === undefined ? {} : { default: preset })
  })
/** The name of a systemd unit, never an option or a pattern. */
export const unitName = Type.String({
  pattern: '^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]{0,250}$',
  description: 'systemd unit, such as nginx.service'
})
export const userName = (description: string) =>
  Type.String({ pattern: '^[a-z_][a-z0-9_.-]{0,31}$', description })
/** An option that may be left out. */
export const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()], { default: null })
