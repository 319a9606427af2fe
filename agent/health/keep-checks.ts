import { setTimeout as delay } from 'node:timers/promises'
import { runBounded } from '../../shared/command.ts'
import { monotonicMs } from '../clock.ts'
import { parseChecks } from '../config/checks.ts'
import type { Settings } from '../config/settings.ts'
import type { Logger } from '../log.ts'
import { toolPath } from '../platform/agent-command.ts'
import type { Host } from '../platform/platform.ts'
import { Checks } from './checks.ts'
import { nodeCron, realTimers, startScheduler } from './scheduler.ts'
import { readKept, writeKept } from './store.ts'
import { hostWorld } from './world.ts'

/** systemd is busy when it stops everything; it gives the agent 90 s, unless told otherwise. */
const GOING_DOWN_MS = 20_000
const ASK_AGAIN_MS = 20

/** What the checks of the daemon need of it. */
interface Parts {
  readonly clock: { readonly bootId: string }
  readonly host: Pick<Host, 'observe'>
  readonly logger: Logger
}

/** The checks of the daemon, with where they stood when it last ran; `start` begins to keep their schedules. */
export async function keepChecks(settings: Settings, { clock: { bootId }, host, logger }: Parts) {
  const clock = { now: () => Date.now(), monotonicMs }
  const warn = (error: unknown, text: string) => logger.warn({ err: error }, text)
  const kept = await readKept(settings.stateDirectory)
  if (kept.problem !== null) logger.warn({ problem: kept.problem }, 'the checks begin anew')
  const hostParts = { bootId, observe: () => host.observe(), ...clock }
  const checks = new Checks({
    settings: parseChecks(settings.checks, settings),
    clock,
    world: (run) => hostWorld(hostParts, run),
    kept,
    write: (state) => writeKept(settings.stateDirectory, state),
    warn
  })
  let stopScheduler = () => {}
  return {
    checks,
    start: async () => {
      stopScheduler = startScheduler({ checks, cron: await nodeCron(), clock, ...realTimers, warn })
    },
    stop: async () => {
      stopScheduler()
      const goesDown = await systemGoesDown()
      logger.info({ goesDown }, 'the checks have stopped')
      await checks.close(goesDown === true)
    }
  }
}

/**
 * Whether this agent is stopped because the whole system stops. The target at which every shutdown arrives is asked for,
 * not the state of the system: that is `starting` until the boot has come to its end, also while it is broken off.
 */
async function systemGoesDown(): Promise<boolean | 'unknown'> {
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
