import type { PlannedRequirement } from '../../shared/api/rollout.ts'
import type { FleetHost } from '../inventory/fleet.ts'
import type { RolloutPolicy } from '../inventory/rollout-schema.ts'
import { secondsOf } from '../inventory/words.ts'
import { matches } from './stages.ts'

const DRILL_WITHIN = '30d'

/** What the policy asks of a host before it is changed: of its stage, and of hosts like it. Null where it asks nothing. */
export function requirementOf(
  host: FleetHost,
  stageName: string,
  { stages = [], require = [] }: RolloutPolicy
): PlannedRequirement | null {
  const stage = stages.find(({ name }) => name === stageName)
  const asked = [
    ...(stage?.require === undefined ? [] : [{ points: stage.require, within: stage.drillWithin }]),
    ...require.flatMap(({ select, points, drillWithin }) =>
      matches(host, select) === null ? [] : [{ points, within: drillWithin }]
    )
  ]
  if (asked.length === 0) return null
  // The strictest of those that ask for a drill.
  const drills = asked.filter(({ points }) => points.includes('drill'))
  const within = drills.map((each) => secondsOf(each.within ?? DRILL_WITHIN))
  return {
    points: [...new Set(asked.flatMap(({ points }) => points))],
    drillSeconds: within.length === 0 ? secondsOf(DRILL_WITHIN) : Math.min(...within)
  }
}
