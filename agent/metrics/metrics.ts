import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { driftKinds } from '../../shared/api/drift.ts'
import { isOfSystem } from '../../shared/api/profile.ts'
import { isTerminal, phases } from '../../shared/operation/phase.ts'
import { addProcessMetrics } from '../../shared/server/process-metrics.ts'
import type { TlsView } from '../../shared/server/tls/metrics.ts'
import { addTlsMetrics } from '../../shared/server/tls/metrics.ts'
import { VERSION } from '../../shared/version.ts'
import type { DesiredKeeper } from '../desired/desired.ts'
import type { Checks } from '../health/checks.ts'
import type { Soak } from '../health/soak/soak.ts'
import { driftsOf, lastLeft } from '../operation/drift.ts'
import type { Operations } from '../operation/operations.ts'
import type { OperationState } from '../operation/state.ts'
import type { Host } from '../platform/platform.ts'
import type { ApprovedSource } from './approved.ts'
import { approvedGauges } from './approved.ts'
import { checkMetrics } from './checks.ts'
import { desiredGauges } from './desired.ts'
import { heldGauge } from './hold.ts'
import { homeMetrics } from './homes.ts'
import { onceEnded } from './once-ended.ts'
import { addSoakMetrics } from './soak.ts'

/** The families of the agent, all below `belay_agent_`. */
function families(registry: Registry) {
  const registers = [registry]
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `belay_agent_${name}`, help, labelNames, registers })
  return {
    build: gauge('build_info', 'Version of the agent; always 1', ['version']),
    generation: gauge(
      'generation_info',
      'Store path of each of profile, running, booted and boot_default; always 1',
      ['system', 'store_path']
    ),
    number: gauge('profile_generation', 'Generation number that the system profile points to'),
    drift: gauge('drift', '1 for each kind of drift that there is', ['kind']),
    phase: gauge('operation_phase', '1 for the phase of the newest operation', ['phase']),
    deadline: gauge(
      'confirm_deadline_timestamp_seconds',
      'When the open confirm window ends; 0 when none is open'
    ),
    unreadable: gauge(
      'unreadable_operations',
      'Operations whose journal cannot be read; while there are any, activations are refused'
    ),
    success: gauge(
      'observe_success',
      '1 when host, operations, hold and desired state could be read for this scrape'
    ),
    ended: new Counter({
      name: 'belay_agent_operations_total',
      help: 'Operations that have ended since an hour before the first scrape of this agent',
      labelNames: ['kind', 'result'],
      registers
    }),
    duration: new Histogram({
      name: 'belay_agent_operation_duration_seconds',
      help: 'From acceptance to the end of an operation',
      labelNames: ['result'],
      buckets: [1, 3, 10, 30, 60, 120, 300, 600, 1800],
      registers
    })
  }
}

/** What has metrics of its own. */
export interface MetricSources {
  readonly checks?: Pick<Checks, 'states'>
  readonly soak?: Soak
  readonly desired?: Pick<DesiredKeeper, 'view'>
  readonly approved?: ApprovedSource
  /** The listener over TLS; read when it is asked for, since it is opened later. */
  readonly tls?: TlsView
}

/** The metrics of one agent as a text. What there is to know is read when it is asked for; nothing runs in between. */
export function agentMetrics(
  host: Host,
  operations: Operations,
  { checks = { states: () => [] }, soak, desired, approved, tls }: MetricSources = {}
): () => Promise<string> {
  const registry = new Registry()
  addProcessMetrics(registry)
  const observeSoak = soak ? addSoakMetrics(registry, soak) : () => {}
  const m = families(registry)
  const checkText = checkMetrics(checks)
  const observeHold = heldGauge(registry, operations)
  const observeHomes = homeMetrics(registry, host.homes?.users ?? [])
  const observeDesired = desired ? desiredGauges(registry, desired) : async () => {}
  if (approved) approvedGauges(registry, approved)
  if (tls) addTlsMetrics(registry, 'belay_agent', tls)
  m.build.set({ version: VERSION }, 1)
  for (const kind of ['activate', 'rollback']) {
    for (const result of phases.filter(isTerminal)) m.ended.inc({ kind, result }, 0)
  }
  const newlyEnded = onceEnded()
  const countEnded = (states: readonly OperationState[]) => {
    const all = states.map((state) => ({ key: state.accepted.id, state }))
    for (const { state } of newlyEnded(all)) {
      m.ended.inc({ kind: state.accepted.kind, result: state.phase })
      const ms = Date.parse(state.updatedAt) - Date.parse(state.acceptedAt)
      m.duration.observe({ result: state.phase }, ms / 1000)
    }
  }
  const observe = async () => {
    const [seen, all, unreadable] = await Promise.all([
      host.observe(),
      operations.all(),
      operations.unreadable()
    ])
    const states = all.filter(({ accepted }) => isOfSystem(accepted))
    m.unreadable.set(unreadable.length)
    observeHomes(all)
    m.generation.reset()
    const { storePath: profile, running, booted, bootDefault: boot_default } = seen
    for (const [system, path] of Object.entries({ profile, running, booted, boot_default })) {
      if (path !== null) m.generation.set({ system, store_path: path }, 1)
    }
    m.number.set(seen.number ?? 0)
    const drifts = driftsOf(seen, lastLeft(states, unreadable))
    for (const kind of driftKinds) m.drift.set({ kind }, drifts.some((drift) => drift.kind === kind) ? 1 : 0)
    const newest = states.at(-1)
    for (const name of phases) m.phase.set({ phase: name }, newest?.phase === name ? 1 : 0)
    const open = newest?.phase === 'confirming' ? newest.window : null
    m.deadline.set(open ? Date.parse(open.deadlineAt) / 1000 : 0)
    countEnded(states)
  }
  return async () => {
    const looks = await Promise.allSettled([observe(), observeHold(), observeDesired()])
    m.success.set(looks.every(({ status }) => status === 'fulfilled') ? 1 : 0)
    observeSoak()
    return (await registry.metrics()) + (await checkText())
  }
}
