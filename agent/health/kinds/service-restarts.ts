import { defineKind, judge, thresholds, unitName } from './kind.ts'
import { showUnits } from './systemctl.ts'

const HOUR_MS = 3_600_000

/** How often systemd has restarted a service by itself in the last hour that the agent has watched. */
export const serviceRestartsKind = defineKind({
  options: { service: unitName, ...thresholds('Restarts in an hour', { warn: 1, fail: 3 }) },
  gives: { measures: 'rate', unit: 'restarts/h' },
  begin: ({ service, ...bounds }) => {
    let seen: readonly Count[] = []
    return async (world) => {
      const [shown] = await showUnits(world, [service], ['NRestarts', 'LoadState'])
      if (shown?.LoadState === 'not-found' || !/^\d+$/.test(shown?.NRestarts ?? ''))
        return { result: 'unknown', value: null, message: `systemd counts no restarts of ${service}` }
      seen = keepHour([...seen, { at: world.monotonicMs(), count: Number(shown?.NRestarts) }])
      const restarts = increase(seen)
      return judge(restarts, bounds, `${restarts} restarts of ${service} in the last hour`)
    }
  }
})

/** A counter as it was read. */
export interface Count {
  readonly at: number
  readonly count: number
}

/** The readings of the last hour, with the one that is just older, where counting begins. */
export function keepHour(seen: readonly Count[]): readonly Count[] {
  const from = (seen.at(-1)?.at ?? 0) - HOUR_MS
  const first = seen.findLastIndex(({ at }) => at <= from)
  return seen.slice(Math.max(first, 0))
}

/** By how much a counter has grown; it begins anew when the service is started by hand. */
export function increase(seen: readonly Count[]): number {
  return seen.reduce((sum, { count }, i) => {
    const before = seen[i - 1]?.count ?? count
    return sum + (count >= before ? count - before : count)
  }, 0)
}
