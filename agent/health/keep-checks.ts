import type { Logger } from '../../shared/server/log.ts'
import { monotonicMs } from '../clock.ts'
import { parseChecks } from '../config/checks.ts'
import type { Settings } from '../config/settings.ts'
import type { NetworkHalf } from '../network/half.ts'
import type { Host, Platform } from '../platform/platform.ts'
import { Checks } from './checks.ts'
import { nodeCron, realTimers, startScheduler } from './scheduler.ts'
import { readKept, writeKept } from './store.ts'
import type { HostParts } from './world.ts'
import { hostWorld } from './world.ts'

/** What the checks of the daemon need of it. */
interface Parts {
  readonly clock: { readonly bootId: string }
  readonly host: Pick<Host, 'observe'>
  readonly logger: Logger
  readonly platform: Pick<Platform, 'goesDown' | 'measures'>
  readonly half: Pick<NetworkHalf, 'ask'>
}

/** The checks of the daemon, with where they stood when it last ran; `start` begins to keep their schedules. */
export async function keepChecks(
  settings: Settings,
  { clock: { bootId }, host, logger, platform, half }: Parts
) {
  const clock = { now: () => Date.now(), monotonicMs }
  const warn = (error: unknown, text: string) => logger.warn({ err: error }, text)
  const kept = await readKept(settings.stateDirectory)
  if (kept.problem !== null) logger.warn({ problem: kept.problem }, 'the checks begin anew')
  const network: HostParts['network'] = (question, signal) => half.ask(question, signal)
  const hostParts = { bootId, observe: () => host.observe(), network, ...clock }
  const checks = new Checks({
    settings: parseChecks(settings.checks, settings),
    clock,
    world: (run) => hostWorld(hostParts, run),
    kept,
    measures: platform.measures,
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
      const goesDown = await platform.goesDown()
      logger.info({ goesDown }, 'the checks have stopped')
      await checks.close(goesDown === true)
    }
  }
}
