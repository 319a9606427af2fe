import { Gauge, Registry } from 'prom-client'
import { checkResults } from '../../shared/verdict/evidence.ts'
import type { Checks } from '../health/checks.ts'

/**
 * Families of the checks; at most ten series for each of at most a hundred checks. Gives their text, which is made anew
 * when a check has run since: most scrapes find nothing new, and these are most of the series.
 */
export function checkMetrics(checks: Pick<Checks, 'states'>): () => Promise<string> {
  const registry = new Registry()
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name: `belay_agent_check_${name}`, help, labelNames, registers: [registry] })
  const m = {
    result: gauge('result', '1 for what the check found last', ['check', 'result']),
    success: gauge('success', '1 when the last run could tell; 0 when its result is unknown', ['check']),
    failing: gauge('failing', '1 when the check has failed for as long as its forSeconds demand', [
      'check',
      'severity'
    ]),
    duration: gauge('duration_seconds', 'How long the last run took', ['check']),
    lastRun: gauge('last_run_timestamp_seconds', 'When the check ran last', ['check']),
    value: gauge(
      'value',
      'What the check measured last, in its unit; measures is empty where more is not worse',
      ['check', 'unit', 'measures']
    )
  }
  const told = new Map<string, string>()
  let text: Promise<string> = registry.metrics()
  return () => {
    let changed = false
    for (const state of checks.states()) {
      const { name: check, severity } = state
      // Most have not run since the last scrape, and setting nine series costs more than to print them.
      const key = `${state.ranAt} ${state.failing}`
      if (told.get(check) === key) continue
      told.set(check, key)
      changed = true
      m.failing.set({ check, severity }, state.failing ? 1 : 0)
      for (const result of checkResults) m.result.set({ check, result }, state.result === result ? 1 : 0)
      if (state.result === null) continue
      m.success.set({ check }, state.result === 'unknown' ? 0 : 1)
      m.duration.set({ check }, state.durationSeconds ?? 0)
      m.lastRun.set({ check }, Date.parse(state.ranAt ?? '') / 1000)
      // A value that could not be had this time is not the one of before.
      const labels = { check, unit: state.unit ?? '', measures: state.measures ?? '' }
      if (state.value === null) m.value.remove(labels)
      else m.value.set(labels, state.value)
    }
    if (changed) text = registry.metrics()
    return text
  }
}
