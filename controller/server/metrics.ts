import { Counter, Gauge, Registry } from 'prom-client'
import { addProcessMetrics } from '../../shared/server/process-metrics.ts'
import type { TlsListener } from '../../shared/server/tls/listener.ts'
import { addTlsMetrics } from '../../shared/server/tls/metrics.ts'
import { VERSION } from '../../shared/version.ts'
import type { ReasonCode } from '../rollout/reasons.ts'
import { reasonCodes } from '../rollout/reasons.ts'
import { reportOf } from '../rollout/report.ts'
import type { HostView, RolloutStatus } from '../rollout/views.ts'
import type { ControllerParts } from './parts.ts'
import { summariesOf } from './summaries.ts'

/** Hosts up to which each has series of its own. */
const MAX_HOSTS = 1000

const states: readonly RolloutStatus['is'][] = [
  'running',
  'waiting',
  'halted',
  'paused',
  'done',
  'aborted',
  'superseded'
]
const hostStates: readonly HostView['is'][] = ['done', 'moving', 'waiting', 'regressed', 'skipped']
const verdicts = ['GO', 'CONDITIONAL GO', 'NO-GO', 'INSUFFICIENT EVIDENCE'] as const
const certificateCodes = ['expired', 'revoked', 'untrusted', 'without-role'].map(
  (why) => `certificate-${why}`
)
const answers = ['yes', 'no', 'away', 'unseen'] as const

function families(registry: Registry) {
  const registers = [registry]
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `belay_controller_${name}`, help, labelNames, registers })
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `belay_controller_${name}`, help, labelNames, registers })
  return {
    build: gauge('build_info', 'Version of the controller; always 1', ['version']),
    rollout: gauge('rollout_info', 'The rollout under way, or the newest; always 1', ['rollout']),
    state: gauge('rollout_state', '1 for the state of that rollout', ['state']),
    needsPerson: gauge('rollout_needs_person', '1 when only a person can go on with it'),
    stage: gauge('rollout_stage_state', '1 for where each stage stands', ['stage', 'state']),
    stageDone: gauge('rollout_stage_hosts_done', 'Hosts of a stage that run the generation', ['stage']),
    stageTotal: gauge('rollout_stage_hosts', 'Hosts of a stage', ['stage']),
    hosts: gauge('rollout_hosts', 'Hosts of the rollout by where they stand', ['state']),
    reasons: gauge(
      'rollout_hosts_waiting',
      'Hosts of the rollout that do not move, or move and do not answer, by reason',
      ['reason']
    ),
    round: gauge('rollout_last_round_timestamp_seconds', 'When it was last decided; 0 before the first time'),
    problem: gauge('drive_problem', '1 while nothing can be decided'),
    fleetProblem: gauge('fleet_file_problem', '1 while the fleet file as it is now is not used'),
    fleet: gauge('hosts', 'Hosts of the fleet by whether they answer; away: they may be', ['answers']),
    streaming: gauge('hosts_streaming', 'Hosts to which a connection is open'),
    failing: gauge('hosts_failing_checks', 'Hosts on which a check fails'),
    verdicts: gauge('hosts_by_verdict', 'Hosts by the last verdict on them', ['verdict']),
    oldest: gauge(
      'oldest_answer_timestamp_seconds',
      'Last answer of the host that was heard least lately, of those that should answer; 0 when one never was'
    ),
    up: gauge('host_answers', '1 when the host answered last; for fleets of up to 1000 hosts', ['host']),
    answered: gauge('host_last_answer_timestamp_seconds', 'When the host last answered, likewise', ['host']),
    locks: gauge('reboot_locks', 'Hosts that hold a reboot lock'),
    oldestLock: gauge('oldest_reboot_lock_timestamp_seconds', 'Since when the oldest is held; 0 for none'),
    refused: counter('requests_refused_total', 'Requests that were refused for who sent them', ['code']),
    notified: counter('notifications_total', 'Messages to people by what became of them', ['result'])
  }
}
type Families = ReturnType<typeof families>

/** The metrics of the controller; what there is to know is read when it is asked for. */
export function controllerMetrics() {
  const registry = new Registry()
  addProcessMetrics(registry)
  const all = families(registry)
  all.build.set({ version: VERSION }, 1)
  for (const code of ['role-too-low', 'token-invalid', 'too-many-requests', ...certificateCodes])
    all.refused.inc({ code }, 0)
  for (const result of ['delivered', 'failed', 'dropped']) all.notified.inc({ result }, 0)
  return {
    refused: (code: string) => all.refused.inc({ code }),
    /** Also tells of the listener for other machines. */
    tls: (listener: TlsListener) => addTlsMetrics(registry, 'belay_controller', listener),
    notified: (result: 'delivered' | 'failed' | 'dropped') => all.notified.inc({ result }),
    async text(parts: ControllerParts): Promise<string> {
      aboutRollout(all, parts)
      aboutHosts(all, parts)
      return await registry.metrics()
    }
  }
}
export type ControllerMetrics = ReturnType<typeof controllerMetrics>

function aboutRollout(all: Families, { store, driver, fleet }: ControllerParts): void {
  const { problem, roundAt } = driver.state
  all.problem.set(problem === null ? 0 : 1)
  all.fleetProblem.set(fleet.problem() === null ? 0 : 1)
  all.round.set((roundAt ?? 0) / 1000)
  for (const family of [all.rollout, all.stage, all.stageDone, all.stageTotal]) family.reset()
  const id = store.active() ?? store.rollouts()[0]?.id
  const report = id === undefined ? null : reportOf(store, id)
  for (const state of states) all.state.set({ state }, report?.status.is === state ? 1 : 0)
  all.needsPerson.set(report?.status.needs === 'person' ? 1 : 0)
  const hosts = report?.hosts ?? []
  for (const state of hostStates) all.hosts.set({ state }, hosts.filter(({ is }) => is === state).length)
  const waiting = Map.groupBy(hosts, ({ reason }) => reason?.code ?? null)
  for (const reason of Object.keys(reasonCodes) as ReasonCode[])
    all.reasons.set({ reason }, waiting.get(reason)?.length ?? 0)
  if (id === undefined || report === null) return
  all.rollout.set({ rollout: id }, 1)
  for (const { name: stage, is, done, total } of report.stages) {
    for (const state of ['passed', 'open', 'later']) all.stage.set({ stage, state }, is === state ? 1 : 0)
    all.stageDone.set({ stage }, done)
    all.stageTotal.set({ stage }, total)
  }
}

function aboutHosts(all: Families, parts: ControllerParts): void {
  const summaries = summariesOf(parts)
  const count = (test: (summary: (typeof summaries)[number]) => boolean) => summaries.filter(test).length
  const answerOf = ({ answers: is, presence }: (typeof summaries)[number]): (typeof answers)[number] =>
    is === null ? 'unseen' : is ? 'yes' : presence === 'intermittent' ? 'away' : 'no'
  for (const each of answers)
    all.fleet.set(
      { answers: each },
      count((summary) => answerOf(summary) === each)
    )
  all.streaming.set(count(({ streaming }) => streaming))
  all.failing.set(count(({ failing }) => failing > 0))
  for (const verdict of verdicts)
    all.verdicts.set(
      { verdict },
      count((summary) => summary.verdict === verdict)
    )
  const seconds = (time: string | null) => (time === null ? 0 : Date.parse(time) / 1000)
  const due = summaries.filter(({ presence }) => presence === 'always')
  all.oldest.set(
    due.reduce((least, { answeredAt }) => Math.min(least, seconds(answeredAt)), parts.now() / 1000)
  )
  for (const family of [all.up, all.answered]) family.reset()
  if (summaries.length <= MAX_HOSTS) {
    for (const { host, answers: is, answeredAt } of summaries) {
      all.up.set({ host }, is === true ? 1 : 0)
      all.answered.set({ host }, seconds(answeredAt))
    }
  }
  const locks = parts.store.locks()
  all.locks.set(locks.length)
  all.oldestLock.set(seconds(locks[0]?.at ?? null))
}
