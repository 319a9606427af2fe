import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { durableWrite } from '../../../shared/durable-write.ts'
import { BelayError } from '../../../shared/errors.ts'
import { monotonicMs } from '../../clock.ts'
import { until } from '../../operation/control.ts'
import type { Outcome } from '../../operation/events.ts'
import { ignoreMissing } from '../nix/generations.ts'
import { ACTIVATION_LABEL, activationJob } from './jobs.ts'
import { bootout, bootstrap, isRunning } from './launchctl.ts'
import { writePlist } from './plist.ts'

const script = new URL('./mac-activate.sh', import.meta.url)
/** What the end of the job may take beyond the script's own limit. */
const MARGIN_MS = 60_000

/** What the job wrote when the script ended; null while it has not, or when it never got to write. */
export function parseOutcome(text: string): Outcome | null {
  const [, result, code, status] = /^(success|exit-code|timeout) (exit|killed) (\w{1,8})\n$/.exec(text) ?? []
  return result && code && status ? { result, code, status } : null
}

/** Runs the scripts of systems for one operation in the activation's job, where no death of the runner reaches them. */
export function activation(of: { readonly directory: string; readonly limitSeconds: number }) {
  const { directory, limitSeconds } = of
  const outcomeFile = join(directory, 'outcome')
  const outcome = async () => parseOutcome(await readFile(outcomeFile, 'utf8').catch(ignoreMissing('')))

  /** Loads the job. Throws `operation-running` while another one runs. */
  async function start(toplevel: string, from: string | null): Promise<void> {
    if (await isRunning(ACTIVATION_LABEL)) {
      const text = 'another activation runs'
      throw new BelayError('operation-running', text, { found: ACTIVATION_LABEL, wanted: 'no such job' })
    }
    // One that has ended is still loaded.
    await bootout(ACTIVATION_LABEL)
    await rm(outcomeFile, { force: true })
    await durableWrite(join(directory, 'activate.sh'), await readFile(script, 'utf8'), 0o700)
    const plist = join(directory, 'activation.plist')
    await durableWrite(plist, writePlist(activationJob({ directory, toplevel, from, limitSeconds })), 0o644)
    await bootstrap(ACTIVATION_LABEL, plist)
  }

  /** Waits until the job has ended, or is given up, and its label is free again; null when it left no outcome. */
  async function finish(givenUp: () => Promise<boolean>): Promise<Outcome | null> {
    const end = monotonicMs() + limitSeconds * 1000 + MARGIN_MS
    await until(
      directory,
      () => end - monotonicMs(),
      async () =>
        (await outcome()) !== null || (await givenUp()) || !(await isRunning(ACTIVATION_LABEL)) || null
    )
    const ended = await outcome()
    const stopped = ended === null && (await isRunning(ACTIVATION_LABEL))
    await bootout(ACTIVATION_LABEL, MARGIN_MS)
    return (
      ended ?? (await outcome()) ?? (stopped ? { result: 'stopped', code: 'killed', status: 'TERM' } : null)
    )
  }

  /** Both, for what must succeed. */
  async function carryOut(toplevel: string, from: string | null): Promise<void> {
    await start(toplevel, from)
    const ended = await finish(async () => false)
    if (ended?.result === 'success') return
    const found = ended === null ? 'no outcome' : `${ended.result} ${ended.code} ${ended.status}`
    throw new BelayError('command-failed', `${toplevel}/activate ended with ${found}`, {
      found,
      wanted: 'exit 0'
    })
  }

  return { start, finish, carryOut }
}
