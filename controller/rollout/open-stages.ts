import type { PlannedStage } from '../../shared/api/rollout.ts'
import type { Situation } from './decide.ts'
import type { Look } from './host-look.ts'
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
    if (!look.passes || halted || state.paused !== null || state.end !== null) {
      return { passes, current: stage, look, index, at, gates, wakeAt: look.wakeAt }
    }
    passes.push(stage.name)
  }
  return { passes, current: null, look: null, index, at: plan.stages.length, gates, wakeAt: null }
}
