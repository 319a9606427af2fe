import type { KeepReason, Retained } from '../../shared/api/retention.ts'
import type { Observed } from '../operation/drift.ts'
import type { GenerationLink } from '../platform/nix/generations.ts'

/** A generation with the systems that it can run as: its own, and those of its specialisations. */
export interface Candidate extends GenerationLink {
  readonly systems: readonly string[]
}

/** What speaks for generations. */
export interface Evidence {
  /** Oldest number first. */
  readonly generations: readonly Candidate[]
  readonly seen: Observed
  /** Where the next emergency rollbacks would go. */
  readonly knownGood: readonly string[]
  /** Baseline, candidate and targets of operations that have not ended. */
  readonly unfinished: readonly string[]
}

/** How many stay, and how long. */
export interface Rule {
  readonly keep: number
  readonly days: number
  /** The wall clock, milliseconds since the epoch. One that is wrong keeps too much, or the newest ones alone. */
  readonly nowMs: number
}

const DAY_MS = 86_400_000

/**
 * What becomes of each generation, with every reason that it has to stay. The profile names a number; what runs, booted
 * or boots next is known by its store path alone, so each generation that names it stays, whatever its number.
 */
export function planRetention(
  { generations, seen, knownGood, unfinished }: Evidence,
  rule: Rule
): readonly Retained[] {
  const newest = new Set(generations.toReversed().slice(0, rule.keep))
  return generations.map((generation) => {
    const { number, storePath, createdAt, systems } = generation
    const isOneOf = (...paths: (string | null)[]) =>
      paths.some((path) => path !== null && systems.includes(path))
    // What has no readable time is not old.
    const age = rule.nowMs - Date.parse(createdAt)
    const speaks: Record<KeepReason, boolean> = {
      newest: newest.has(generation),
      young: !(age >= rule.days * DAY_MS),
      profile: number === seen.number,
      running: isOneOf(seen.running),
      booted: isOneOf(seen.booted),
      'boot-default': isOneOf(seen.bootDefault),
      'last-known-good': isOneOf(...knownGood),
      operation: isOneOf(...unfinished)
    }
    const reasons = (Object.keys(speaks) as KeepReason[]).filter((reason) => speaks[reason])
    return { number, storePath, createdAt, keep: reasons.length > 0, reasons }
  })
}
