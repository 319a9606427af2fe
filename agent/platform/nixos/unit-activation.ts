import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { durableWrite } from '../../../shared/durable-write.ts'
import { BelayError, codeOf } from '../../../shared/errors.ts'
import { monotonicMs } from '../../clock.ts'
import { until } from '../../operation/control.ts'
import type { Outcome } from '../../operation/events.ts'
import { forget, isRunning, startTransient, stopUnit } from './systemd.ts'
import { outcomeScript, readOutcome } from './transient-unit.ts'

/** What the end of the unit may take beyond the script's own limit. */
const MARGIN_MS = 60_000

/** Where an outcome is written, and by which script. */
export interface OutcomeFiles {
  readonly outcomeScript: string
  readonly outcomeFile: string
}

/** Activations of one operation in a transient unit, where the runner's death does not reach them. */
export interface UnitActivation<A> {
  start(what: A): Promise<void>
  /** Waits until the unit has ended, or is given up, and its name is free again; null when it left no outcome. */
  finish(givenUp: () => Promise<boolean>): Promise<Outcome | null>
  /** Both, for what must succeed. */
  carryOut(what: A): Promise<void>
}

/** `command` gives the systemd-run command line; `good` are the exit codes of a success. */
export function unitActivation<A>(of: {
  readonly unit: string
  readonly directory: string
  readonly limitSeconds: number
  readonly good: readonly string[]
  readonly command: (what: A, files: OutcomeFiles) => readonly string[]
  readonly describe: (what: A) => string
}): UnitActivation<A> {
  const { unit, directory, limitSeconds, good, command, describe } = of
  const outcomeFile = join(directory, 'outcome')

  async function start(what: A): Promise<void> {
    await rm(outcomeFile, { force: true })
    const scriptFile = join(directory, 'outcome.sh')
    // On a full disk this also makes the room in which the outcome will be written.
    await durableWrite(scriptFile, outcomeScript)
    const argv = command(what, { outcomeScript: scriptFile, outcomeFile })
    await startTransient(argv, unit).catch(async (error: unknown) => {
      // A failed one that systemd remembers holds the name as well.
      if (codeOf(error) !== 'operation-running') throw error
      await forget(unit)
      await startTransient(argv, unit)
    })
  }

  async function finish(givenUp: () => Promise<boolean>): Promise<Outcome | null> {
    const end = monotonicMs() + limitSeconds * 1000 + MARGIN_MS
    const left = () => end - monotonicMs()
    await until(
      directory,
      left,
      async () =>
        (await readOutcome(outcomeFile)) !== null || (await givenUp()) || !(await isRunning(unit)) || null
    )
    if ((await readOutcome(outcomeFile)) === null && (await givenUp())) await stopUnit(unit, MARGIN_MS)
    while (left() > 0 && (await isRunning(unit))) {
      // The outcome is written while the unit goes down: a matter of milliseconds, and each look takes some.
    }
    const outcome = await readOutcome(outcomeFile)
    if (outcome?.result !== 'success') await forget(unit)
    return outcome
  }

  /** Waits for what an earlier runner of this operation has started, or somebody else. */
  async function idle(): Promise<void> {
    const end = monotonicMs() + limitSeconds * 1000 + MARGIN_MS
    while ((await isRunning(unit)) && monotonicMs() < end) await delay(200)
  }

  async function carryOut(what: A): Promise<void> {
    await idle()
    await start(what)
    const outcome = await finish(async () => false)
    if (outcome?.code === 'exited' && good.includes(outcome.status)) return
    const found = outcome === null ? 'no outcome' : `${outcome.result} ${outcome.code} ${outcome.status}`
    throw new BelayError('command-failed', `${describe(what)} ended with ${found}`, {
      found,
      wanted: 'exited 0'
    })
  }

  return { start, finish, carryOut }
}
