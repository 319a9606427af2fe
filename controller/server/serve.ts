import { lstatSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Logger } from '../../shared/server/log.ts'
import { createLogger } from '../../shared/server/log.ts'
import { notifySystemd } from '../../shared/server/service-manager.ts'
import type { TlsListener } from '../../shared/server/tls/listener.ts'
import type { Run } from '../build/run.ts'
import { Collector } from '../collector/collector.ts'
import { Keeper } from '../collector/keeper.ts'
import { judgeHosts } from '../collector/verdict-round.ts'
import type { Clock } from '../deploy/clock.ts'
import type { DeployEvent } from '../deploy/events.ts'
import { leakGate } from '../leaks/gate.ts'
import type { ScanClosure } from '../leaks/scan-closure.ts'
import { rolloutEngine } from '../rollout/assemble.ts'
import type { ControllerStore } from '../store/controller-store.ts'
import { openControllerStore } from '../store/controller-store.ts'
import { lockEngine } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { openStore } from '../store/store.ts'
import type { OpenTunnel } from '../transport/tunnel.ts'
import { buildController } from './app.ts'
import { judgeAgain } from './caller.ts'
import { Driver } from './driver.ts'
import { eventFeed } from './event-feed.ts'
import { listen } from './listen.ts'
import type { LiveFleet } from './live-fleet.ts'
import { liveFleet } from './live-fleet.ts'
import { controllerMetrics } from './metrics.ts'
import { occasionOf, occasionsOf } from './occasions.ts'
import { OpenStreams } from './open-streams.ts'
import { RequestRate } from './request-rate.ts'
import type { ControllerSettings } from './settings.ts'
import { teller } from './teller.ts'
import { uploads } from './uploads.ts'

/** Where the daemon is and what it works with. */
export interface ServeOptions {
  readonly settings: ControllerSettings
  readonly fleetFile: string
  readonly stateDirectory: string
  readonly socketDirectory: string
  readonly run: Run
  readonly openTunnel: OpenTunnel
  /** Looks for secrets in a closure of this machine. */
  readonly scan: ScanClosure
  readonly clock: Clock
  /** Aborted when the daemon is to end. */
  readonly signal: AbortSignal
  /** Called when it answers. */
  readonly onReady?: () => void
}

/** Milliseconds between two looks at the fleet file, at the certificates, and between two writes of what hosts said. */
const REFRESH_MS = 5000
const CERTIFICATES_MS = 2000
const FLUSH_MS = 1000
/** Milliseconds between two clean-ups. */
const PRUNE_MS = 3_600_000
const DAY_MS = 86_400_000
/** Longest time between two looks at a host that a rollout waits for, in milliseconds. */
const ROLLOUT_POLL_MS = 30_000

/** The daemon of the controller, from start to signal. */
export async function serve(options: ServeOptions): Promise<void> {
  const logger = createLogger(options.settings.logLevel)
  // For its whole life: nobody else drives rollouts of this directory.
  using _ = await lockEngine(options.stateDirectory)
  using store = await openControllerStore(options.stateDirectory)
  using engineStore = await openStore(options.stateDirectory)
  const { run, signal, clock } = options
  const fleet = await liveFleet(options.fleetFile, { run, signal }, clock.now)
  const parts = partsOf(options, { store, engineStore, fleet, logger })
  const { app, keeper, collector, driver, openStreams } = parts
  const { settings, socketDirectory: directory } = options
  pointTo(options)
  const { tls, close } = await listen(await app(), { directory, settings, now: clock.now, logger })
  if (tls !== null) parts.metrics.tls(tls)
  try {
    keeper.load(fleet.hosts)
    collector.tend(fleet.hosts)
    const tended = { store, fleet, logger, keeper, collector, openStreams, tls }
    const work = [driver.run(), ...loopsOf(options, tended)]
    parts.setReady()
    const stopNotifying = notifySystemd(join(options.socketDirectory, 'admin.sock'))
    logger.info({ sockets: options.socketDirectory, hosts: fleet.hosts.size }, 'ready')
    options.onReady?.()
    await stopped(signal)
    logger.info('stopping')
    stopNotifying()
    await Promise.all([...work, collector.settle()])
    keeper.flush()
  } finally {
    await close()
  }
}

interface Kept {
  readonly store: ControllerStore
  readonly engineStore: Store
  readonly fleet: LiveFleet
  readonly logger: Logger
}

/** What the daemon consists of, made and not yet started. */
function partsOf(options: ServeOptions, { store, engineStore, fleet, logger }: Kept) {
  const { settings, run, openTunnel, clock, signal } = options
  const { seconds, parallel, streams } = settings.collect
  const pollMs = seconds * 1000
  const metrics = controllerMetrics()
  const directory = dirname(fleet.file)
  const tell = teller({ store, notify: fleet.notify, directory, run, clock, signal, logger, metrics })
  const keeper = new Keeper(store, clock.now, (event) => {
    const occasion = occasionOf(event)
    if (occasion !== null) tell(occasion)
  })
  const collector = new Collector({ keeper, openTunnel, clock, signal, pollMs, parallel, streams })
  const rolloutPoll = Math.min(pollMs, ROLLOUT_POLL_MS)
  const driver = new Driver({
    store: engineStore,
    clock,
    signal,
    logger,
    pollMs: rolloutPoll,
    onRound: (rollout, decision) => occasionsOf(rollout, decision).forEach(tell),
    engineOf: (rollout) =>
      rolloutEngine(rollout, {
        ...{ store: engineStore, hosts: fleet.hosts, fleetFile: fleet.file, run, openTunnel, clock, signal },
        lookThrough: collector.lend,
        // By the fleet file as it is when something is pushed.
        leaks: (path, warn) => leakGate(options.scan, fleet.inventory().secrets, signal)(path, warn),
        caches: () => fleet.inventory().caches,
        push: settings.push,
        upload: uploads(options, fleet, logger),
        pollMs: rolloutPoll,
        maxObserve: parallel,
        who: 'controller',
        emit: (event) => logEvent(logger, event),
        outside: () => new Set(store.locks().map(({ host }) => host))
      })
  })
  let ready = false
  const feed = eventFeed(store, clock)
  const openStreams = new OpenStreams(judgeAgain(store.tokens, clock.now))
  const { requestsPerSecond: perSecond, requestsAtOnce: burst } = settings.listen
  const rate = new RequestRate({ perSecond, burst }, clock.now)
  const common = { store, fleet, keeper, collector, driver, feed, openStreams, now: clock.now }
  return {
    keeper,
    collector,
    driver,
    metrics,
    setReady: () => {
      ready = true
    },
    openStreams,
    app: () => buildController({ ...common, logger, metrics, rate, ready: () => ready })
  }
}

interface LoopParts extends Omit<Kept, 'engineStore'> {
  readonly keeper: Keeper
  readonly collector: Collector
  readonly openStreams: OpenStreams
  readonly tls: TlsListener | null
}

/** What is done again and again, each by itself; a failure is logged and the next time is another one. */
function loopsOf(
  options: ServeOptions,
  { store, fleet, logger, keeper, collector, openStreams, tls }: LoopParts
): Promise<void>[] {
  const { clock, signal, settings } = options
  const { verdictMinutes, keepDays } = settings.collect
  const every = async (ms: number, what: string, task: () => unknown) => {
    while (!signal.aborted) {
      await clock.sleep(ms, signal).catch(() => {})
      if (signal.aborted) return
      try {
        await task()
      } catch (error) {
        if (!signal.aborted) logger.error({ err: error }, `failed: ${what}`)
      }
    }
  }
  const note = (host: string, message: string) => logger.debug({ host }, message)
  const round = { hosts: fleet.hosts, fleetFile: fleet.file, keeper, store, signal, note }
  return [
    every(REFRESH_MS, 'reading the fleet file', async () => {
      const before = fleet.problem()
      if (await fleet.refresh()) collector.tend(fleet.hosts)
      const problem = fleet.problem()
      if (problem !== null && problem !== before) logger.warn({ problem }, 'the fleet file is not used')
    }),
    ...(tls === null ? [] : [every(CERTIFICATES_MS, 'reading the certificates', () => tls.refresh())]),
    every(CERTIFICATES_MS, 'judging who reads events', () => openStreams.judge()),
    every(FLUSH_MS, 'keeping what hosts said', () => keeper.flush()),
    every(verdictMinutes * 60_000, 'judging hosts', () =>
      judgeHosts({ ...round, lend: collector.lend, now: clock.now })
    ),
    every(PRUNE_MS, 'deleting what is old', () => {
      const { keepDays: days, keepAtLeast: atLeast } = settings.rollouts
      const deleted = store.pruneRollouts({ days, atLeast }, clock.now())
      if (deleted.length > 0) logger.info({ deleted }, 'deleted rollouts that ended long ago')
      store.prune(new Date(clock.now() - keepDays * DAY_MS).toISOString(), new Set(fleet.hosts.keys()))
    })
  ]
}

function logEvent(logger: Logger, event: DeployEvent): void {
  if (event.type === 'output') logger.debug({ host: event.host }, event.line)
  else logger.info(event)
}

/** Commands with the same state directory look for the sockets there. */
function pointTo({ stateDirectory, socketDirectory }: ServeOptions): void {
  const link = join(stateDirectory, 'sockets')
  const own = resolve(link) === resolve(socketDirectory)
  // What is there is of a daemon that had them elsewhere, or here: the lock says that it runs no more.
  const left = lstatSync(link, { throwIfNoEntry: false })
  if (left !== undefined && (!own || left.isSymbolicLink())) rmSync(link, { recursive: true })
  if (!own) symlinkSync(resolve(socketDirectory), link)
}

async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
}
