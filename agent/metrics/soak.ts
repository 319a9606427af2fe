import type { Registry } from 'prom-client'
import { Counter, Gauge } from 'prom-client'
import { severities } from '../../shared/verdict/evidence.ts'
import type { Soak } from '../health/soak/soak.ts'

/** Adds the families of soak and history. All of it is in memory: a scrape reads no file and starts nothing. */
export function addSoakMetrics(registry: Registry, soak: Soak): void {
  const registers = [registry]
  const family = (name: string, help: string, value: () => number) =>
    new Gauge({
      ...{ name: `belay_agent_${name}`, help, registers },
      collect() {
        this.set(value())
      }
    })
  const state = () => (soak.keeper.state === null ? null : soak.now())
  family(
    'soak_seconds',
    'What the soak clock of the running generation shows',
    () => (state()?.count.onMs ?? 0) / 1000
  )
  family('soak_available_seconds', 'Part of it with the agent up and no critical check failing', () => {
    const count = state()?.count
    return count ? (count.onMs - count.unavailableMs) / 1000 : 0
  })
  family('soak_coverage_ratio', 'Samples received by samples expected; NaN while none is expected', () => {
    const count = state()?.count
    return count && count.expected >= 1 ? Math.min(1, count.received / count.expected) : Number.NaN
  })
  const seconds = (at: string | undefined) => (at === undefined ? Number.NaN : Date.parse(at) / 1000)
  family('soak_start_timestamp_seconds', 'When the soak of the running generation began', () =>
    seconds(state()?.startedAt)
  )
  family('baseline_start_timestamp_seconds', 'First moment of its baseline; NaN where there is none', () =>
    seconds(state()?.begun.baseline?.from)
  )
  family('baseline_end_timestamp_seconds', 'Last moment of its baseline; NaN where there is none', () =>
    seconds(state()?.begun.baseline?.to)
  )
  family('history_bytes', 'Bytes in use of the history, as of the last write', () => soak.history.state.bytes)
  family('history_waiting_samples', 'Samples that are not yet written', () => soak.history.state.waiting)
  family('history_writable', '1 when the last write of the history succeeded', () =>
    soak.history.state.writable ? 1 : 0
  )
  addCounted(registry, soak)
}

/** What is counted elsewhere is set by a reset and one increment, since a counter of prom-client only grows. */
function addCounted(registry: Registry, soak: Soak): void {
  const counter = (
    name: string,
    help: string,
    labelNames: string[],
    values: () => [Record<string, string>, number][]
  ) =>
    new Counter({
      ...{ name: `belay_agent_${name}_total`, help, labelNames, registers: [registry] },
      collect() {
        this.reset()
        for (const [labels, value] of values()) this.inc(labels, value)
      }
    })
  counter('reboots', 'Reboots since the running generation is in soak', ['expected'], () => {
    const reboots = soak.keeper.state?.reboots ?? []
    return [true, false].map((expected) => [
      { expected: String(expected) },
      reboots.filter((each) => each.expected === expected).length
    ])
  })
  counter('history_dropped_samples', 'Samples given up since the disk did not take them', [], () => [
    [{}, soak.history.state.dropped]
  ])
  counter('history_begun_anew', 'Times that the history could not be read and was begun empty', [], () => [
    [{}, soak.history.state.begunAnew]
  ])
  counter(
    'soak_lost_events',
    'Events of the soak ledger given up since the disk did not take them',
    [],
    () => [[{}, soak.keeper.lost]]
  )
  new Gauge({
    ...{
      name: 'belay_agent_incidents_open',
      help: 'Open incidents of the running generation, and whether one can live with them'
    },
    ...{ labelNames: ['severity', 'workaround'], registers: [registry] },
    collect() {
      const open = (soak.keeper.state?.incidents ?? []).filter(({ status }) => status === 'open')
      for (const severity of severities) {
        const own = open.filter((each) => each.severity === severity)
        const without = own.filter(({ workaround }) => workaround === null).length
        this.set({ severity, workaround: 'none' }, without)
        this.set({ severity, workaround: 'known' }, own.length - without)
      }
    }
  })
}
