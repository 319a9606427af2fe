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
  'nodejs_version_info'
])

/** The longest that a timer can wait: 24 days. */
const NEVER_MS = 2 ** 31 - 1

/** Adds what a daemon tells of its own process to an empty registry. */
export function addProcessMetrics(registry: Registry): void {
  // The histogram of the event loop's delay is not kept, and its timer, every 10 ms by default, is to wake nobody.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS })
  for (const { name } of registry.getMetricsAsArray()) {
    if (!kept.has(name)) registry.removeSingleMetric(name)
  }
}
