import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BelayError } from '../../../shared/errors.ts'
import { monotonicMs } from '../../clock.ts'
import { until } from '../../operation/control.ts'
import type { Outcome } from '../../operation/events.ts'
import { forget, isRunning, startTransient } from './systemd.ts'
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

  async function start(toplevel: string, action: 'test' | 'boot'): Promise<void> {
    await rm(outcomeFile, { force: true })
    const scriptFile = join(directory, 'outcome.sh')
    await writeFile(scriptFile, outcomeScript)
    const order = { toplevel, action, operation: id, limitSeconds, outcomeScript: scriptFile, outcomeFile }
    await startTransient(activationCommand(order), unit)
  }

  /** Waits until the unit has ended and its name is free again; null when it left no outcome. */
  async function finish(): Promise<Outcome | null> {
    const end = monotonicMs() + limitSeconds * 1000 + MARGIN_MS
    const left = () => end - monotonicMs()
    await until(
      directory,
      left,
      async () => ((await readOutcome(outcomeFile)) ?? !(await isRunning(unit))) || null
    )
    while (left() > 0 && (await isRunning(unit))) {
      // The outcome is written while the unit goes down: a matter of milliseconds, and each look takes some.
    }
    const outcome = await readOutcome(outcomeFile)
    if (outcome?.result !== 'success') await forget(unit)
    return outcome
  }

  /** Both, for what must succeed; 4 is a failed unit somewhere. */
  async function carryOut(toplevel: string, action: 'test' | 'boot'): Promise<void> {
    await start(toplevel, action)
    const outcome = await finish()
    if (outcome?.code === 'exited' && ['0', '4'].includes(outcome.status)) return
    const found = outcome === null ? 'no outcome' : `${outcome.result} ${outcome.code} ${outcome.status}`
    throw new BelayError('command-failed', `${toplevel} ${action} ended with ${found}`, {
      found,
      wanted: 'exited 0'
    })
  }

  return { start, finish, carryOut }
}
