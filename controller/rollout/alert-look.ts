import type { PlannedStage } from '../../shared/api/rollout.ts'
import type { Observations } from './observation.ts'
import { gateKey } from './observation.ts'
import type { Because } from './reasons.ts'
import type { RolloutEvent } from './records.ts'
import type { RolloutState } from './state.ts'

/** What the alerts of a stage say. */
export interface AlertLook {
  /** Why nothing may begin, or null. */
  readonly because: Because | null
  /** Alerts that fire and that no person has seen yet; they halt the rollout. */
  readonly fired: readonly RolloutEvent[]
  readonly keys: readonly string[]
}

/** Judges the alerts of a stage. An engine that does not answer blocks; only one that fires halts. */
export function lookAtAlerts(stage: PlannedStage, state: RolloutState, seen: Observations): AlertLook {
  const alerts = stage.alerts ?? []
  const keys = alerts.map(({ name }) => gateKey(stage.name, 'alerts', name))
  const fired: RolloutEvent[] = []
  let because: Because | null = null
  for (const [i, { name }] of alerts.entries()) {
    const result = seen.gates.get(keys[i] ?? '')
    const fresh = (result?.firing ?? []).filter((each) => !state.tolerated.has(each))
    if (fresh.length > 0) {
      const text = `${name}: ${fresh.slice(0, 5).join(', ')}${fresh.length > 5 ? ', …' : ''}`
      fired.push({ kind: 'alert-fired', stage: stage.name, alerts: name, firing: fresh, text })
    } else if (result?.open !== true && (result?.firing ?? []).length === 0 && because === null) {
      const text = `alerts ${name}: ${result?.message ?? 'not asked yet'}`
      because = { code: 'gate-failing', text, unblock: `${name} answers, and nothing fires` }
    }
  }
  return { because, fired, keys }
}
