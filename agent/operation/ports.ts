import type { GenerationRef } from '../../shared/api/schemas.ts'
import type { Journal } from '../journal/journal.ts'
import type { UntouchedCode } from './drift.ts'
import type { Accepted, Baseline, Event, Outcome } from './events.ts'

/** What ended the wait for a confirmation. */
export type Answer = { readonly confirmedBy: string } | 'cancelled' | 'deadline'

/** An activation that gave way before it changed anything. */
export interface Untouched {
  readonly reason: string
  readonly code: UntouchedCode
}

/** All that the runner does to the world. Every method may be called again after a crash. */
export interface Ports {
  readonly journal: Journal<Event>
  readonly bootId: string
  /** Where the service manager runs the activation, for people. */
  readonly activationUnit: string
  /** Longest that an activation with its verification may take, in seconds. */
  readonly activationSeconds: number
  /** Longest that a look at what runs may take, in seconds. */
  readonly verifySeconds: number
  /** Longest that a trial boot may take to come up, in seconds. */
  readonly bootSeconds: number
  monotonicMs(): number
  /** RFC 3339 of the wall clock, so many milliseconds from now; for people. */
  wallAt(inMs: number): string
  newNonce(): string
  /** Makes the path valid and roots it. Throws what refuses the operation. */
  fetch(storePath: string): Promise<void>
  /** Preflight. Throws what refuses the operation; gives what a rollback brings back. */
  check(accepted: Accepted): Promise<Baseline>
  /**
   * Sees that the guard runs. A countdown starts with a serial that it has not had; the same one again only brings
   * back a guard that is gone, so that a runner which dies over and over does not put the guard off for ever.
   */
  arm(baseline: Baseline, seconds: number, serial: number): Promise<void>
  /** Whether the guard has acted in place of a runner that was gone. */
  guardFired(): Promise<boolean>
  /** Starts the activation unit. */
  startActivation(storePath: string): Promise<void>
  /** Waits for the activation unit; null when nobody knows how it ended. */
  activationOutcome(): Promise<Outcome | null>
  /** Why an activation that ended so has changed nothing at all, where it is sure that it has not. */
  untouched(outcome: Outcome): Promise<Untouched | null>
  /** What is worse than at the baseline, or null when nothing is. */
  regression(baseline: Baseline, storePath: string, outcome: Outcome | null): Promise<string | null>
  /** Whether somebody asked for the operation to be given up. */
  cancelRequested(): Promise<boolean>
  /**
   * Makes the candidate the next boot and that one only, with a guard that the boot will start; the boot default stays
   * the baseline. Throws `trial-boot-unavailable`.
   */
  stage(baseline: Baseline, storePath: string): Promise<void>
  /** Takes back that the candidate is the next boot. */
  unstage(): Promise<void>
  /** Whether the host may be rebooted into the candidate now: by policy, or because somebody said so. */
  mayReboot(): Promise<boolean>
  /** Asks the service manager to reboot, and returns at once. */
  reboot(): Promise<void>
  /** Waits until the boot has come as far as it will; bounded. */
  bootFinished(): Promise<void>
  /** Waits for a valid confirmation, a cancellation or the deadline. */
  awaitAnswer(nonce: string, deadlineMonotonicMs: number): Promise<Answer>
  /** Profile, boot entry, known-good mark. */
  commit(storePath: string): Promise<void>
  /**
   * Brings the target back: running system, profile, boot entry; verifies it. Without `activate` what runs stays as it
   * is, and is no part of what is verified.
   */
  restore(target: GenerationRef, profile: GenerationRef, activate: boolean): Promise<void>
  /** Called once the operation has ended, and again by whoever finds it ended: roots, left-over files, the guard. */
  settle(): Promise<void>
  runningPath(): Promise<string | null>
  /** Waits before a failed rollback is tried again; gives the generation that somebody chose meanwhile, or null. */
  backOff(attempt: number): Promise<GenerationRef | null>
}
