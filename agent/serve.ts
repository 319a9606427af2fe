import pLimit from 'p-limit'
import type { ProfileName } from '../shared/api/profile.ts'
import { durableFolder } from '../shared/durable-write.ts'
import type { App } from '../shared/server/empty-app.ts'
import { createLogger } from '../shared/server/log.ts'
import { notifySystemd } from '../shared/server/service-manager.ts'
import { stopSignal } from '../shared/server/stop-signal.ts'
import type { TlsView } from '../shared/server/tls/metrics.ts'
import { buildApp } from './api/app.ts'
import { listen } from './api/listen.ts'
import { certificateFiles } from './certificate/host-certificate.ts'
import { hostClock } from './clock.ts'
import type { Settings } from './config/settings.ts'
import { DesiredKeeper } from './desired/desired.ts'
import { keepChecks } from './health/keep-checks.ts'
import { Soak } from './health/soak/soak.ts'
import { byNode, keepSchedule } from './keep-schedule.ts'
import { Looking } from './looking.ts'
import type { MetricSources } from './metrics/metrics.ts'
import { agentMetrics } from './metrics/metrics.ts'
import { NetworkHalf } from './network/half.ts'
import { Operations } from './operation/operations.ts'
import { profileHost, profilesOf } from './operation/profiles.ts'
import { choosePlatform } from './platform/choose.ts'
import type { Host, Platform } from './platform/platform.ts'
import { scheduleRetention } from './retention/schedule.ts'
import { Approvals } from './security/approvals.ts'
import { assertOwnDirectory } from './security/own-directory.ts'
import { assertApproved, assertSigned } from './security/require-approval.ts'
import { readPassed } from './security/revision.ts'

/** How soon the desired state is looked at again while an operation is on its way. */
const SOON_MS = 2000

/** What the daemon consists of, made and not yet started. */
async function partsOf(platform: Platform, settings: Settings, config: string | null) {
  const logger = createLogger(settings.logLevel)
  const clock = hostClock(await platform.bootId())
  const host = platform.host(settings, config)
  const judge = pLimit(1)
  const judging = {
    settings,
    preview: (path: string, profile: ProfileName = 'system') => profileHost(host, profile).preview(path, {}),
    nowMs: () => Date.now()
  }
  const operations = new Operations({
    settings,
    clock,
    host,
    // One at a time: it may have to make a plan.
    assertApproved: (request) => judge(() => assertApproved(request, judging))
  })
  const soak = new Soak({ settings, logger, host, operations, witness: await platform.witness(clock.bootId) })
  const half = new NetworkHalf(platform.network(settings, null))
  const health = await keepChecks(settings, { clock, host, logger, platform, half })
  health.checks.sinks.push(soak)
  const approvals = new Approvals(judging)
  const receive = (document: string) => approvals.receive(document)
  const soon = (act: () => void) => void setTimeout(act, SOON_MS).unref()
  const looking = new Looking()
  const desired = new DesiredKeeper({
    ...{ settings, clock, host, operations, receive, logger, soon },
    pending: () => looking.stir(),
    assertSigned: (wanted) => assertSigned(wanted, judging)
  })
  return { logger, clock, host, half, operations, approvals, desired, soak, health, looking }
}

type Parts = Awaited<ReturnType<typeof partsOf>>

/** The daemon, from start to signal: listen, take up what is unfinished, tell that all is ready, wait. */
export async function serve(settings: Settings, config: string | null): Promise<void> {
  await durableFolder(settings.stateDirectory)
  await assertOwnDirectory(settings.stateDirectory)
  const platform = await choosePlatform()
  const parts = await partsOf(platform, settings, config)
  const { logger, half, operations, desired, soak, health, looking } = parts
  const { checks } = health
  let ready = false
  const remote = await remoteMetrics(settings, parts, () => metrics())
  const metrics = metricsOf(settings, parts, remote)
  const app = await apiOf(settings, parts, { ready: () => ready, metrics })
  const close = await listen(app, settings)
  const tend = () =>
    operations
      .tend()
      .catch((error: unknown) => logger.error({ err: error }, 'the operations could not be tended'))
  const look = async () => {
    const unfinished = await operations.supervise().catch((error: unknown) => {
      logger.error({ err: error }, 'an unfinished operation has no runner')
      return true
    })
    await desired.tick()
    await soak.tick()
    await remote?.tick()
    await tellAtLogin(platform, settings, operations).catch((error: unknown) =>
      logger.warn({ err: error }, 'the message at login could not be kept')
    )
    return unfinished
  }
  // From before systemd hears that all is ready: from then on it may stop this at any moment.
  const stopped = stopSignal()
  await tend()
  ready = true
  const stopNotifying = notifySystemd(`${settings.socketDirectory}/admin.sock`)
  looking.start(operations.root, look)
  // Once a day, at a quiet minute.
  const keeping = await byNode()
  const stopTending = keepSchedule('17 3 * * *', tend, keeping)
  const startRetention = () => platform.startRetention(config)
  const stopRetention = await scheduleRetention(settings, startRetention, logger, keeping)
  const stopSoak = soak.follow()
  await health.start()
  soak.setChecks(checks.definitions(), checks.failed())
  logger.info({ sockets: settings.socketDirectory }, 'ready')
  const signal = await stopped
  logger.info({ signal }, 'stopping')
  stopNotifying()
  stopTending()
  stopRetention()
  looking.stop()
  await stopSoak()
  await health.stop()
  await half.close()
  await close()
}

/** The listener for Prometheus, where there is to be one. */
async function remoteMetrics(settings: Settings, { half, logger }: Parts, metrics: () => Promise<string>) {
  if (settings.metrics.address === null) return null
  const { metricsListener } = await import('./metrics/listener.ts')
  const enrolled = certificateFiles(settings).tls
  return metricsListener({ settings: settings.metrics, enrolled, half, metrics, logger })
}

/** Where revisions must grow: how old what was signed has become. */
function approvedOf({ approval, stateDirectory }: Settings, host: Host): Pick<MetricSources, 'approved'> {
  if (approval.revision === 'optional') return {}
  return { approved: { profiles: profilesOf(host), read: (profile) => readPassed(stateDirectory, profile) } }
}

/** The metrics; of the listener for Prometheus where there is one. */
function metricsOf(settings: Settings, parts: Parts, tls: TlsView | null): () => Promise<string> {
  const { host, operations, health, soak, desired } = parts
  const told = { ...approvedOf(settings, host), ...(tls === null ? {} : { tls }) }
  return agentMetrics(host, operations, { checks: health.checks, soak, desired, ...told })
}

/** The API; whether all is taken up is asked for later. */
function apiOf(
  settings: Settings,
  { clock, health, half: _half, looking: _looking, ...rest }: Parts,
  more: { readonly ready: () => boolean; readonly metrics: () => Promise<string> }
): Promise<App> {
  return buildApp({ settings, bootId: clock.bootId, checks: health.checks, ...rest, ...more })
}

/** What a person has to know at login, while there is something. */
async function tellAtLogin(platform: Platform, settings: Settings, operations: Operations): Promise<void> {
  const [all, unreadable] = await Promise.all([operations.all(), operations.unreadable()])
  const [way, { keepLoginMessage }] = await Promise.all([platform.rescue(), import('./rescue/keep.ts')])
  await keepLoginMessage(settings, way, { operations: all, unreadable })
}
