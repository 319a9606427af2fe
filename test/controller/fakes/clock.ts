import type { Clock } from '../../../controller/deploy/clock.ts'

/** A clock on which sleeping is instant and moves the time; `slept` tells the waits. */
export function fakeClock(): Clock & { readonly slept: number[] } {
  let now = Date.parse('2026-01-01T12:00:00Z')
  const slept: number[] = []
  return {
    slept,
    now: () => now,
    random: () => 1,
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      slept.push(ms)
      now += ms
    }
  }
}
