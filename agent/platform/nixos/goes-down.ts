import { setTimeout as delay } from 'node:timers/promises'
import { runBounded } from '../../../shared/command.ts'
import { toolPath } from '../agent-command.ts'

/** systemd is busy when it stops everything; it gives the agent 90 s, unless told otherwise. */
const GOING_DOWN_MS = 20_000
const ASK_AGAIN_MS = 20

/**
 * Whether this agent is stopped because the whole system stops. The target at which every shutdown arrives is asked for,
 * not the state of the system: that is `starting` until the boot has come to its end, also while it is broken off.
 */
export async function systemGoesDown(): Promise<boolean | 'unknown'> {
  const signal = AbortSignal.timeout(GOING_DOWN_MS)
  const ask = { signal, maxOutput: 1024, env: { PATH: toolPath() } }
  const argv = ['systemctl', 'show', '--property=ActiveState,Job', 'shutdown.target']
  for (;;) {
    const { stdout, ended } = await runBounded(argv, ask)
    const [, active] = /^ActiveState=(\w+)$/m.exec(stdout) ?? []
    if (active !== undefined) return active !== 'inactive' || /^Job=[1-9]/m.test(stdout)
    if (ended === 'aborted' || ended === 'unstartable') return 'unknown'
    // What stops this agent also signals what it has just started.
    await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => {})
  }
}
