import type { RolloutReport } from '../../rollout/report.ts'
import { chooseRollout, reportOf } from '../../rollout/report.ts'
import type { RolloutStatus } from '../../rollout/views.ts'
import { openStore } from '../../store/store.ts'
import type { Server, ServerOptions } from '../server.ts'
import { findServer } from '../server.ts'
import type { GlobalOptions, Wiring } from '../wiring.ts'
import { patientReport, remoteReport } from './rollout-remote.ts'

/** Options of `belay rollout status`. */
export interface RolloutStatusOptions extends GlobalOptions, ServerOptions {
  readonly rollout?: string
  readonly watch?: boolean
}

/** Reads a report; with `watch` again and again, whenever something was recorded, until the rollout ends. */
export async function report(
  options: RolloutStatusOptions,
  { clock, signal }: Wiring,
  show: (report: RolloutReport) => void
): Promise<RolloutReport> {
  const server = await findServer(options)
  if (server !== null) return await reportOfServer(server, options, { clock, signal }, show)
  using store = await openStore(options.state)
  const id = chooseRollout(store, options.rollout)
  for (;;) {
    const version = store.version()
    const now = reportOf(store, id)
    if (options.watch !== true || ended(now.status)) return now
    show(now)
    while (store.version() === version) {
      await clock.sleep(500, signal)
      show(now)
    }
  }
}

async function reportOfServer(
  server: Server,
  { rollout, watch }: RolloutStatusOptions,
  { clock, signal }: Pick<Wiring, 'clock' | 'signal'>,
  show: (report: RolloutReport) => void
): Promise<RolloutReport> {
  if (watch !== true) return await remoteReport(server, rollout)
  for (;;) {
    const now = await patientReport(server, rollout, { clock, signal })
    if (ended(now.status)) return now
    show(now)
    await clock.sleep(1000, signal)
  }
}

const ended = ({ is }: RolloutStatus) => is === 'done' || is === 'aborted' || is === 'superseded'
