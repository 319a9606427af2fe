import type { PlannedStage, RolloutPlan } from '../../shared/api/rollout.ts'
import type { Look } from './host-look.ts'
import type { Observations } from './observation.ts'
import { gateKey } from './observation.ts'
import type { Because } from './reasons.ts'

/** What a stage lacks, and what is to be looked at for it. */
export interface ChecklistLook {
  readonly keys: readonly string[]
  readonly because: Because | null
}

/**
 * Judges the evidence that the plan wants: a stage begins with none of its hosts while one that could begin lacks some.
 * Hosts that run the generation, or are away, have had their turn or get it later.
 */
export function checklistLook(
  plan: RolloutPlan,
  looks: ReadonlyMap<string, Look>,
  seen: Observations
): (stage: PlannedStage) => ChecklistLook {
  const wanting = Map.groupBy(
    plan.hosts.filter(({ name, require }) => require !== undefined && looks.get(name)?.is === 'ready'),
    ({ stage }) => stage
  )
  const known = new Map<string, ChecklistLook>()
  return ({ name }) => {
    const look = known.get(name) ?? lookAt(name, wanting.get(name) ?? [], seen)
    known.set(name, look)
    return look
  }
}

function lookAt(stage: string, hosts: RolloutPlan['hosts'], seen: Observations): ChecklistLook {
  const keyOf = (host: string) => gateKey(stage, 'checklist', host)
  const keys = hosts.map(({ name }) => keyOf(name))
  const lacking = hosts.find(({ name }) => seen.gates.get(keyOf(name))?.open !== true)
  if (lacking === undefined) return { keys, because: null }
  const message = seen.gates.get(keyOf(lacking.name))?.message ?? 'not looked at yet'
  const text = `checklist of ${lacking.name}, without which stage ${stage} does not begin: ${message}`
  const unblock = `the evidence; belay checklist ${lacking.name} --path ${lacking.storePath}`
  return { keys, because: { code: 'checklist-incomplete', text, unblock } }
}
