import type { Registry } from 'prom-client'
import { collectDefaultMetrics } from 'prom-client'

/**
 * What is kept of prom-client's own families: those of every exporter, and whether the daemon is held up. The others
 * are fifty series that nobody asks for, some with names that promtool refuses.
 */
const kept: ReadonlySet<string> = new Set([
  'process_cpu_seconds_total',
  'process_cpu_user_seconds_total', // its collection is what counts the one above
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_start_time_seconds',
  'process_open_fds',
  'process_max_fds',
  'nodejs_eventloop_lag_seconds',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_version_info'
])

/** Adds what a daemon tells of its own process to an empty registry. */
export function addProcessMetrics(registry: Registry): void {
  // 10 ms, the default, costs 0.7 % of a core on an idle host.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1000 })
  for (const { name } of registry.getMetricsAsArray()) {
    if (!kept.has(name)) registry.removeSingleMetric(name)
  }
}
