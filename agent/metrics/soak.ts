import type { Registry } from 'prom-client'
import { Counter, Gauge } from 'prom-client'
import { severities } from '../../shared/verdict/evidence.ts'
import type { LedgerState } from '../health/soak/fold.ts'
import type { Soak } from '../health/soak/soak.ts'

type State = LedgerState | null

/**
 * Adds the families of soak and history, and gives what sets them. All of it is in memory: a scrape reads no file and
 * starts nothing.
 */
export function addSoakMetrics(registry: Registry, soak: Soak): () => void {
  const registers = [registry]
  const sets: ((state: State) => void)[] = [addCounted(registry, soak), addIncidents(registry)]
  const family = (name: string, help: string, value: (state: State) => number) => {
    const gauge = new Gauge({ name: `belay_agent_${name}`, help, registers })
    sets.push((state) => gauge.set(value(state)))
  }
  family(
    'soak_seconds',
    'What the soak clock of the running generation shows',
    (state) => (state?.count.onMs ?? 0) / 1000
  )
  family('soak_available_seconds', 'Part of it with the agent up and no critical check failing', (state) =>
    state ? (state.count.onMs - state.count.unavailableMs) / 1000 : 0
  )
  family(
    'soak_coverage_ratio',
    'Samples received by samples expected; NaN while none is expected',
    (state) =>
      state && state.count.expected >= 1
        ? Math.min(1, state.count.received / state.count.expected)
        : Number.NaN
  )
  const seconds = (at: string | undefined) => (at === undefined ? Number.NaN : Date.parse(at) / 1000)
  family('soak_start_timestamp_seconds', 'When the soak of the running generation began', (state) =>
    seconds(state?.startedAt)
  )
  family(
    'baseline_start_timestamp_seconds',
    'First moment of its baseline; NaN where there is none',
    (state) => seconds(state?.begun.baseline?.from)
  )
  family('baseline_end_timestamp_seconds', 'Last moment of its baseline; NaN where there is none', (state) =>
    seconds(state?.begun.baseline?.to)
  )
  family('history_bytes', 'Bytes in use of the history, as of the last write', () => soak.history.state.bytes)
  family('history_waiting_samples', 'Samples that are not yet written', () => soak.history.state.waiting)
  family('history_writable', '1 when the last write of the history succeeded', () =>
    soak.history.state.writable ? 1 : 0
  )
  return () => {
    const state = soak.keeper.state === null ? null : soak.now()
    for (const set of sets) set(state)
  }
}

/** What is counted elsewhere is set by a reset and one increment, since a counter of prom-client only grows. */
function addCounted(registry: Registry, soak: Soak): (state: State) => void {
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `belay_agent_${name}_total`, help, labelNames, registers: [registry] })
  const reboots = counter('reboots', 'Reboots since the running generation is in soak', ['expected'])
  const dropped = counter('history_dropped_samples', 'Samples given up since the disk did not take them')
  const begunAnew = counter(
    'history_begun_anew',
    'Times that the history could not be read and was begun empty'
  )
  const lost = counter(
    'soak_lost_events',
    'Events of the soak ledger given up since the disk did not take them'
  )
  return (state) => {
    for (const each of [reboots, dropped, begunAnew, lost]) each.reset()
    for (const expected of [true, false]) {
      const number = state?.reboots.filter((reboot) => reboot.expected === expected).length ?? 0
      reboots.inc({ expected: String(expected) }, number)
    }
    dropped.inc(soak.history.state.dropped)
    begunAnew.inc(soak.history.state.begunAnew)
    lost.inc(soak.keeper.lost)
  }
}

function addIncidents(registry: Registry): (state: State) => void {
  const gauge = new Gauge({
    name: 'belay_agent_incidents_open',
    help: 'Open incidents of the running generation, and whether one can live with them',
    labelNames: ['severity', 'workaround'],
    registers: [registry]
  })
  return (state) => {
    const open = (state?.incidents ?? []).filter(({ status }) => status === 'open')
    for (const severity of severities) {
      const own = open.filter((each) => each.severity === severity)
      const without = own.filter(({ workaround }) => workaround === null).length
      gauge.set({ severity, workaround: 'none' }, without)
      gauge.set({ severity, workaround: 'known' }, own.length - without)
    }
  }
}
