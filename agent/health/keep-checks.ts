import { runBounded } from '../../shared/command.ts'
import { monotonicMs } from '../clock.ts'
import { parseChecks } from '../config/checks.ts'
import type { Settings } from '../config/settings.ts'
import type { Logger } from '../log.ts'
import { toolPath } from '../platform/nixos/units.ts'
import type { Host } from '../platform/platform.ts'
import { Checks } from './checks.ts'
import { nodeCron, realTimers, startScheduler } from './scheduler.ts'
import { readKept, writeKept } from './store.ts'
import { hostWorld } from './world.ts'

/** systemd is busy when it stops everything; it gives the agent 90 s, unless told otherwise. */
const GOING_DOWN_MS = 20_000

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
      const system = await systemState()
      logger.info({ system }, 'the checks have stopped')
      await checks.close(system === 'stopping')
    }
  }
}

/** What systemd says of the whole system: `stopping` when that is why this agent is stopped. */
async function systemState(): Promise<string> {
  const signal = AbortSignal.timeout(GOING_DOWN_MS)
  const ask = { signal, maxOutput: 1024, env: { PATH: toolPath() } }
  for (;;) {
    const { stdout, ended } = await runBounded(['systemctl', 'is-system-running'], ask)
    // What stops this agent also signals what it has just started.
    if (stdout !== '' || ended !== 'signal') return stdout.trim() || ended
  }
}
