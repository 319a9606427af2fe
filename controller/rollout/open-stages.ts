import type { PlannedStage } from '../../shared/api/rollout.ts'
import { lookAtAlerts } from './alert-look.ts'
import type { Situation } from './decide.ts'
import type { Look } from './host-look.ts'
import type { Because } from './reasons.ts'
import type { RolloutEvent } from './records.ts'
import type { StageLook } from './stage-look.ts'
import { lookAtStage } from './stage-look.ts'

/** How far the stages have opened. */
export interface Open {
  /** Stages that have just passed. */
  readonly passes: readonly string[]
  /** The first stage that has not passed; null when all have. */
  readonly current: PlannedStage | null
  readonly look: StageLook | null
  readonly index: ReadonlyMap<string, number>
  readonly at: number
  readonly gates: Set<string>
  /** Alerts of the open stage that nobody has seen yet, and why it may not go on without an answer. */
  readonly fired: readonly RolloutEvent[]
  readonly unanswered: Because | null
  readonly wakeAt: number | null
}

/** Goes through the stages; several may pass in one round, such as stages that already run everything. */
export function openStages({ plan, state, seen, now }: Situation, looks: ReadonlyMap<string, Look>): Open {
  const members = Map.groupBy(plan.hosts, (host) => host.stage)
  const index = new Map(plan.stages.map(({ name }, at) => [name, at]))
  const gates = new Set<string>()
  const passes: string[] = []
  // Harm halts: no stage passes while it is not dealt with.
  const halted = [...looks.values()].some((look) => look.is === 'regressed')
  for (const [at, stage] of plan.stages.entries()) {
    if (state.passed.has(stage.name)) continue
    const of = (members.get(stage.name) ?? []).flatMap((host) => {
      const look = looks.get(host.name)
      return look === undefined ? [] : [{ host, look }]
    })
    const look = lookAtStage(stage, of, seen, now)
    for (const gate of look.gates) gates.add(gate)
    const alerts = lookAtAlerts(stage, state, seen)
    for (const key of alerts.keys) gates.add(key)
    const quiet = alerts.because === null && alerts.fired.length === 0 && state.alerted === null
    if (!look.passes || !quiet || halted || state.paused !== null || state.end !== null) {
      const why = look.passes && alerts.because !== null ? { ...look, because: alerts.because } : look
      const { fired, because: unanswered } = alerts
      return { passes, current: stage, look: why, index, at, gates, fired, unanswered, wakeAt: look.wakeAt }
    }
    passes.push(stage.name)
  }
  const end = { current: null, look: null, fired: [], unanswered: null, wakeAt: null }
  return { ...end, passes, index, at: plan.stages.length, gates }
}
