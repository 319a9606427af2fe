import fc from 'fast-check'
import t from 'tap'
import type { Live, Sign } from '../../../../agent/health/soak/soak-clock.ts'
import { advance, noCount, readSign, resume, sleptMs } from '../../../../agent/health/soak/soak-clock.ts'

const DAY = 86_400_000
const epoch = Date.parse('2026-01-01T00:00:00Z')
/** A sign by milliseconds: awake and asleep in this boot, and what the wall clock is off by. */
const sign = (awake: number, asleep = 0, wall = 0, bootId = 'b1'): Sign => ({
  ...{ at: new Date(epoch + awake + asleep + wall).toISOString(), bootId },
  ...{ monotonicMs: awake, bootMs: awake + asleep }
})
const start: Live = { sign: sign(1000), count: { ...noCount, perHour: 60 } }

t.test('F22: a host that is asleep for three days stops the clock, and owes no samples', async (t) => {
  const before = advance(start, sign(1000 + DAY), true)
  const now = sign(1000 + DAY + 15_000, 3 * DAY)
  const after = advance(before, now, true)
  t.equal(sleptMs(before.sign, now), 3 * DAY)
  t.equal(after.count.onMs, DAY + 15_000)
  t.equal(after.count.unavailableMs, 0)
  t.equal(after.count.expected, 24 * 60 + 0.25)
})

t.test('the clock of the soak is the awake time, however the wall clock jumps', async () => {
  const step = fc.record({
    awake: fc.integer({ min: 0, max: DAY }),
    asleep: fc.integer({ min: 0, max: 30 * DAY }),
    wall: fc.integer({ min: -400 * DAY, max: 400 * DAY }),
    available: fc.boolean()
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let [live, awake, asleep, unavailable] = [start, 1000, 0, 0]
      for (const each of steps) {
        awake += each.awake
        asleep += each.asleep
        unavailable += each.available ? 0 : each.awake
        live = advance(live, sign(awake, asleep, each.wall), each.available)
      }
      return (
        live.count.onMs === awake - 1000 &&
        live.count.unavailableMs === unavailable &&
        Math.abs(live.count.expected - (awake - 1000) / 60_000) < 1e-6
      )
    })
  )
})

t.test('an agent that was away', async (t) => {
  await t.test('in the same boot: the host was on, and nothing was measured', async (t) => {
    const { live, gaps } = resume(start, sign(1000 + 3_600_000), { upMs: 0, lastOnAt: null })
    t.match(live.count, { onMs: 3_600_000, unavailableMs: 3_600_000, expected: 60, received: 0 })
    t.match(gaps, [{ from: start.sign.at, cause: 'agent-stopped' }])
    t.equal(gaps.length, 1)
  })
  await t.test('in the same boot, partly asleep', async (t) => {
    const { live, gaps } = resume(start, sign(1000 + 3_600_000, DAY), { upMs: 0, lastOnAt: null })
    t.equal(live.count.onMs, 3_600_000)
    t.same(
      gaps.map(({ cause }) => cause),
      ['agent-stopped', 'asleep']
    )
  })
  await t.test('switched off for days: that time counts for nothing', async (t) => {
    const now = sign(20_000, 0, 5 * DAY, 'b2')
    const { live, gaps } = resume(start, now, { upMs: 0, lastOnAt: null })
    t.match(live.count, { onMs: 20_000, unavailableMs: 20_000 })
    t.match(gaps, [{ cause: 'off', from: start.sign.at }])
  })
  await t.test('stopped, and the host went on for an hour before it was switched off', async (t) => {
    const lastOnAt = new Date(Date.parse(start.sign.at) + 3_600_000).toISOString()
    const { live, gaps } = resume(start, sign(70_000, 0, DAY, 'b2'), { upMs: 1000, lastOnAt })
    t.equal(live.count.onMs, 3_600_000 + 69_000)
    t.same(
      gaps.map(({ cause }) => cause),
      ['agent-stopped', 'off', 'agent-stopped']
    )
  })
})

t.test('whatever the clocks say, counts never shrink and gaps never run backwards', async () => {
  const any = fc.integer({ min: 0, max: 400 * DAY })
  fc.assert(
    fc.property(
      any,
      any,
      fc.integer({ min: -400 * DAY, max: 400 * DAY }),
      any,
      fc.boolean(),
      (awake, asleep, wall, up, same) => {
        const last = sign(awake + 1)
        const now = sign(awake, asleep, wall, same ? 'b1' : 'b2')
        const { live, gaps } = resume({ ...start, sign: last }, now, { upMs: up, lastOnAt: now.at })
        const { onMs, unavailableMs, expected } = live.count
        return (
          onMs >= 0 &&
          unavailableMs >= 0 &&
          unavailableMs <= onMs &&
          expected >= 0 &&
          gaps.every(({ from, to }) => from <= to)
        )
      }
    )
  )
})

t.test('the clocks of this machine', async (t) => {
  const [a, b] = [readSign('x'), readSign('x')]
  t.ok(b.monotonicMs >= a.monotonicMs && b.bootMs >= a.bootMs && a.bootMs >= a.monotonicMs - 20)
  t.equal(sleptMs(a, b), 0)
})
