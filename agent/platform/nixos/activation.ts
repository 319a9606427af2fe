import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { BelayError, codeOf } from '../../../shared/errors.ts'
import { monotonicMs } from '../../clock.ts'
import { durableWrite } from '../../journal/durable-write.ts'
import { until } from '../../operation/control.ts'
import type { Outcome } from '../../operation/events.ts'
import { forget, isRunning, startTransient, stopUnit } from './systemd.ts'
import { ACTIVATION_UNIT, activationCommand, outcomeScript, readOutcome } from './transient-unit.ts'

const unit = `${ACTIVATION_UNIT}.service`
/** What the end of the unit may take beyond the script's own limit. */
const MARGIN_MS = 60_000

/** Runs actions of toplevels for one operation in the activation unit, where the runner's death does not reach them. */
export function activation(of: {
  readonly id: string
  readonly directory: string
  readonly limitSeconds: number
}) {
  const { id, directory, limitSeconds } = of
  const outcomeFile = join(directory, 'outcome')

  async function start(toplevel: string, action: 'test' | 'boot', unchecked = false): Promise<void> {
    await rm(outcomeFile, { force: true })
    const scriptFile = join(directory, 'outcome.sh')
    // On a full disk this also makes the room in which the outcome will be written.
    await durableWrite(scriptFile, outcomeScript)
    const files = { outcomeScript: scriptFile, outcomeFile }
    const order = { toplevel, action, unchecked, operation: id, limitSeconds, ...files }
    await startTransient(activationCommand(order), unit).catch(async (error: unknown) => {
      // A failed one that systemd remembers holds the name as well.
      if (codeOf(error) !== 'operation-running') throw error
      await forget(unit)
      await startTransient(activationCommand(order), unit)
    })
  }

  /** Waits until the unit has ended, or is given up, and its name is free again; null when it left no outcome. */
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

  /** Both, for what must succeed; 4 is a failed unit somewhere. */
  async function carryOut(toplevel: string, action: 'test' | 'boot', unchecked = false): Promise<void> {
    await idle()
    await start(toplevel, action, unchecked)
    const outcome = await finish(async () => false)
    if (outcome?.code === 'exited' && ['0', '4'].includes(outcome.status)) return
    const found = outcome === null ? 'no outcome' : `${outcome.result} ${outcome.code} ${outcome.status}`
    throw new BelayError('command-failed', `${toplevel} ${action} ended with ${found}`, {
      found,
      wanted: 'exited 0'
    })
  }

  return { start, finish, carryOut }
}
