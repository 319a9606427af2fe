import type { Leak } from '../leaks/allow.ts'

/** `skipped`: not done, as something before it failed or nobody asked for it. */
export type StepResult = 'pass' | 'warn' | 'fail' | 'skipped'

/** One thing that was done, for a host or for all. */
export interface CheckStep {
  readonly name: string
  readonly result: StepResult
  readonly seconds: number
  /** What was found, in one line or as the end of a log. */
  readonly message: string
  /** Closed code of a failure. */
  readonly code: string | null
}

/** Everything that was done for one host. */
export interface CheckedHost {
  readonly host: string
  readonly derivation: string | null
  readonly storePath: string | null
  /** Derivations that were built here, and store paths that were fetched. */
  readonly built: number
  readonly fetched: number
  readonly leaks: readonly Leak[]
  readonly steps: readonly CheckStep[]
}

/** The whole of `belay check`. */
export interface CheckReport {
  readonly ok: boolean
  readonly at: string
  readonly seconds: number
  readonly hosts: readonly CheckedHost[]
  /** The checks of the flake, the linters, the secrets of the repository. */
  readonly repository: readonly CheckStep[]
}

/** Whether some steps keep a change back. */
export const allPass = (steps: readonly CheckStep[]): boolean =>
  steps.every(({ result }) => result !== 'fail')

/** A step that was not done, and why. */
export const skipped = (name: string, message: string): CheckStep => ({
  ...{ name, result: 'skipped', seconds: 0, message, code: null }
})
