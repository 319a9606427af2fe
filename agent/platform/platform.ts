import type { Plan, PreviewRequest } from '../../shared/api/plan.ts'
import type { PreflightCheck } from '../../shared/api/preflight.ts'
import type { ActivationMode, Generation, GenerationRef } from '../../shared/api/schemas.ts'
import type { Observed } from '../operation/drift.ts'

/** How deep a preview looks. */
export type PreviewOptions = Pick<PreviewRequest, 'files' | 'dryActivate'>

/** For what a generation is looked at. */
export interface PreflightOptions {
  readonly mode: ActivationMode
  /** An operation that has not ended. */
  readonly unfinished: string | null
}

/** What a platform must provide to the part that listens and admits. */
export interface Host {
  /** Nix system, such as `x86_64-linux`. */
  system(): Promise<string>
  /** What is chosen, what runs, what booted, what boots next. */
  observe(): Promise<Observed>
  /** Generations of the system profile, oldest first. */
  generations(): Promise<readonly Generation[]>
  /** The running system. */
  running(): Promise<string | null>
  /** Whether a system is in the store, so that it can be switched to. */
  isComplete(storePath: string): Promise<boolean>
  /** A generation by number that can be switched to; throws `generation-unknown` or `path-not-valid`. */
  generation(number: number): Promise<GenerationRef>
  /** Throws, with its own code, for what is not a generation of this host. */
  assertCandidate(storePath: string): Promise<void>
  /** What an activation would change; changes nothing. Refuses as `assertCandidate` does. */
  preview(storePath: string, options: PreviewOptions): Promise<Plan>
  /** Whether a generation could be activated now; changes nothing. */
  preflight(storePath: string, options: PreflightOptions): Promise<readonly PreflightCheck[]>
  /** Starts the runner of an operation; one that runs for it already is left alone. */
  startRunner(id: string): Promise<void>
  /** Output lines of an operation's activation, those there are and those to come, until the signal. */
  follow(id: string, line: (text: string) => void, signal: AbortSignal): Promise<void>
  /** All output lines so far. */
  output(id: string): Promise<readonly string[]>
}
