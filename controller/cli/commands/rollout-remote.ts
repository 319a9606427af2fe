import type { RolloutDetail } from '../../../shared/api/controller.ts'
import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import { codeOf } from '../../../shared/errors.ts'
import type { RolloutReport } from '../../rollout/report.ts'
import type { RolloutStatus } from '../../rollout/views.ts'
import type { Server } from '../server.ts'
import type { Wiring } from '../wiring.ts'

/** Milliseconds between two looks at what the daemon does. */
const LISTEN = 1000
/** Milliseconds for which a daemon that does not answer is waited for: it may be restarted. */
const PATIENCE = 60_000

/** A rollout as the daemon has it. */
export async function remoteReport(server: Server, rollout: string | undefined): Promise<RolloutReport> {
  const path = `/v1/rollouts/${encodeURIComponent(rollout ?? 'current')}`
  const detail = await server.call<RolloutDetail>('observe', 'GET', path)
  const plan = await server.call<RolloutPlan>('observe', 'GET', `/v1/rollouts/${detail.id}/plan`)
  const { status, stages, hosts, records } = detail
  // The same shapes: the daemon sends what it reads from its store.
  return { plan, status, stages, hosts, records } as RolloutReport
}

/** Starts a rollout by the daemon; gives its identity. */
export async function remoteStart(
  server: Server,
  plan: RolloutPlan,
  { supersede, reason }: { readonly supersede?: boolean; readonly reason?: string }
): Promise<string> {
  const body = { plan, ...(supersede ? { supersede } : {}), ...(reason === undefined ? {} : { reason }) }
  const { id } = await server.call<{ id: string }>('operate', 'POST', '/v1/rollouts', body)
  return id
}

/** Shows a rollout that the daemon drives until it ends, until a person is needed, or until patience is over. */
export async function remoteWatch(
  server: Server,
  rollout: string,
  patienceMs: number,
  { clock, signal }: Pick<Wiring, 'clock' | 'signal'>,
  show: (report: RolloutReport) => void
): Promise<RolloutReport> {
  let idleSince: number | null = null
  for (;;) {
    signal.throwIfAborted()
    const report = await patientReport(server, rollout, { clock, signal })
    show(report)
    const busy = report.stages.length === 0 || report.status.is === 'running'
    idleSince = busy ? null : (idleSince ?? clock.now())
    if (idleSince !== null && over(report.status, clock.now() - idleSince, patienceMs)) return report
    await clock.sleep(LISTEN, signal)
  }
}

/** As above; a daemon that is restarted is waited for. */
export async function patientReport(
  server: Server,
  rollout: string | undefined,
  { clock, signal }: Pick<Wiring, 'clock' | 'signal'>
): Promise<RolloutReport> {
  const since = clock.now()
  for (;;) {
    try {
      return await remoteReport(server, rollout)
    } catch (error) {
      if (codeOf(error) !== 'host-unreachable' || clock.now() - since > PATIENCE) throw error
      await clock.sleep(LISTEN, signal)
    }
  }
}

function over({ needs }: RolloutStatus, idleMs: number, patienceMs: number): boolean {
  return needs === 'time' || needs === 'hosts' ? idleMs >= patienceMs : true
}
