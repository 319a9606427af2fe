import { buildApp } from './api/app.ts'
import { listen } from './api/listen.ts'
import { hostClock } from './clock.ts'
import type { Settings } from './config/settings.ts'
import { keepChecks } from './health/keep-checks.ts'
import { createLogger } from './log.ts'
import { agentMetrics } from './metrics/metrics.ts'
import { Operations } from './operation/operations.ts'
import { nixosHost } from './platform/nixos/nixos-host.ts'
import { keepLoginMessage } from './rescue/keep.ts'
import { notifySystemd } from './service-manager.ts'

/** How often it is seen to that what is unfinished has a runner. */
const SUPERVISE_MS = 15_000

/** The daemon, from start to signal: listen, take up what is unfinished, tell that all is ready, wait. */
export async function serve(settings: Settings, config: string | null): Promise<void> {
  const logger = createLogger(settings.logLevel)
  const clock = hostClock()
  const host = nixosHost(settings, config)
  const operations = new Operations({ settings, clock, host })
  const health = await keepChecks(settings, { clock, host, logger })
  const { checks } = health
  let ready = false
  const app = await buildApp({
    settings,
    bootId: clock.bootId,
    host,
    operations,
    checks,
    logger,
    metrics: agentMetrics(host, operations, checks),
    ready: () => ready
  })
  const close = await listen(app, settings)
  const tend = () =>
    operations
      .tend()
      .catch((error: unknown) => logger.error({ err: error }, 'the operations could not be tended'))
  const supervise = async () => {
    await operations
      .supervise()
      .catch((error: unknown) => logger.error({ err: error }, 'an unfinished operation has no runner'))
    await tellAtLogin(settings, operations).catch((error: unknown) =>
      logger.warn({ err: error }, 'the message at login could not be kept')
    )
  }
  // From before systemd hears that all is ready: from then on it may stop this at any moment.
  const stopped = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, resolve)
  })
  await tend()
  ready = true
  const stopNotifying = notifySystemd(`${settings.socketDirectory}/admin.sock`)
  const supervising = setInterval(() => void supervise(), SUPERVISE_MS)
  const stopTending = await daily(tend)
  await health.start()
  logger.info({ sockets: settings.socketDirectory }, 'ready')
  const signal = await stopped
  logger.info({ signal }, 'stopping')
  stopNotifying()
  stopTending()
  clearInterval(supervising)
  await health.stop()
  await close()
}

/** What a person has to know at login, while there is something. */
async function tellAtLogin(settings: Settings, operations: Operations): Promise<void> {
  const [all, unreadable] = await Promise.all([operations.all(), operations.unreadable()])
  await keepLoginMessage(settings, { operations: all, unreadable })
}

/** Runs a task once a day, at a quiet minute (UTC). Nothing that has a deadline may hang on this. */
async function daily(task: () => Promise<unknown>): Promise<() => void> {
  const { schedule } = await import('node-cron')
  const job = schedule('17 3 * * *', () => void task(), {
    timezone: 'UTC',
    noOverlap: true,
    suppressMissedWarning: true
  })
  return () => void job.stop()
}
