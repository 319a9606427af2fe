import { monotonicMs } from '../../clock.ts'
import { until } from '../../operation/control.ts'
import type { PortsOptions } from '../platform.ts'
import { observe } from './observe.ts'
import { judgeSession, sessionNeed } from './preflight.ts'

/** It may take hours, and each look starts a process. */
const LOOK_MS = 5000

/**
 * Waits for somebody at the screen where the activation needs a session, as long as the settings say. Nothing has changed
 * yet, so it may take hours; preflight judges what there is in the end.
 */
export async function awaitSession(
  storePath: string,
  { directory, settings, journal }: Pick<PortsOptions, 'directory' | 'settings' | 'journal'>,
  cancelled: () => Promise<boolean>
): Promise<void> {
  const { running } = await observe(settings.profile)
  const look = async () =>
    judgeSession(await sessionNeed([storePath, ...(running === null ? [] : [running])]))
  const end = monotonicMs() + settings.preflight.userSessionSeconds * 1000
  if (end <= monotonicMs()) return
  const found = await look()
  if (found.result !== 'fail') return
  await journal.append({ type: 'waiting', reason: `waiting for a user session: ${found.evidence}` })
  let nextMs = 0
  const isThere = async () => {
    if (monotonicMs() < nextMs) return false
    nextMs = monotonicMs() + LOOK_MS
    return (await look()).result !== 'fail'
  }
  await until(
    directory,
    () => end - monotonicMs(),
    async () => (await cancelled()) || (await isThere()) || null
  )
}
