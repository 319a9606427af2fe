import type { Settings } from '../config/settings.ts'
import type { Observed } from '../operation/drift.ts'
import type { Hands, Order } from './carry-out.ts'
import type { Plan, StepName } from './plan.ts'

/** All that a platform brings to a rescue. It has to work with everything else broken. */
export interface Way {
  /** What is chosen, what runs, what boots next. */
  observe(settings: Settings): Promise<Observed>
  /** Identity of this boot. */
  bootId(): Promise<string>
  /** Where a system has the script that switches to it. */
  isSwitchable(storePath: string): Promise<boolean>
  /** Ends what would interfere. `operation` is the one that has not ended. */
  stop(operation: string | null): readonly string[]
  /** Makes a system the one that boots; null where that is what the profile names. */
  boot(system: string): readonly string[] | null
  /** Starts a system. `left` is the one whose files and jobs may be on the host beside those of another. */
  switch(system: string, left: string | null): readonly string[]
  /** Exit codes other than 0 of which nothing has to be said. */
  readonly harmless: Readonly<Partial<Record<StepName, number>>>
  /** Runs the switch so that the end of this session does not end it. Gives its exit code. */
  runSwitch(order: Order, argv: readonly string[]): Promise<number | null>
  /** Makes profile and boot entries durable. */
  sync(settings: Settings): readonly string[]
  /** Starts the agent of the system that runs now; false when it does not. */
  startAgent(hands: Hands): Promise<boolean>
  readonly hints: {
    readonly restart: string
    /** Where a person looks when some of it has failed. */
    readonly failed: string
    readonly agent: string
    /** What is left when nothing else is. */
    readonly lastResort: (plan: Plan | null) => string
  }
  /** The body of the shell script, behind the variables that `rescueScript` sets. */
  readonly script: string
}
