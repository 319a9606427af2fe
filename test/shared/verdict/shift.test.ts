import fc from 'fast-check'
import type { Test } from 'tap'
import t from 'tap'
import { inflationOf } from '../../../shared/verdict/dependence.ts'
import { median, normalQuantile } from '../../../shared/verdict/normal.ts'
import { withoutRhythm } from '../../../shared/verdict/season.ts'
import { shiftBetween } from '../../../shared/verdict/shift.ts'
import { randomFrom } from '../../verdict/random.ts'

const values = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 20 })
const near = (t: Test, found: number, wanted: number, slack = 1e-6) =>
  t.ok(Math.abs(found - wanted) <= slack, `${found} is ${wanted}`)

t.test('quantiles of the normal distribution, as tables have them', async (t) => {
  near(t, normalQuantile(0.05), 1.644854, 5e-4)
  near(t, normalQuantile(0.001), 3.090232, 5e-4)
  near(t, normalQuantile(1e-6), 4.753424, 5e-4)
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
})

t.test('the estimate is the median of all differences, counted the long way', async () => {
  fc.assert(
    fc.property(values, values, (before, after) => {
      const all = after.flatMap((b) => before.map((a) => b - a)).sort((x, y) => x - y)
      const { estimate, lower, upper } = shiftBetween(before, after, { zLower: 1, zUpper: 1, inflation: 1 })
      const wanted = all[Math.ceil(all.length / 2) - 1] ?? 0
      return Math.abs(estimate - wanted) < 1e-6 && lower <= estimate && estimate <= upper
    })
  )
})

t.test('a moved sample moves the estimate by as much, a burst does not', async (t) => {
  const random = randomFrom(1)
  const before = Array.from({ length: 100 }, random.normal)
  const sure = { zLower: 4, zUpper: 1.6, inflation: 1 }
  near(
    t,
    shiftBetween(
      before,
      before.map((v) => v + 5),
      sure
    ).estimate,
    5,
    0.05
  )
  const burst = before.map((v, i) => (i % 20 === 0 ? v + 1e6 : v))
  t.ok(Math.abs(shiftBetween(before, burst, sure).estimate) < 0.2)
})

t.test('so few values bear no bound', async (t) => {
  const shift = shiftBetween([1, 2], [8, 9], { zLower: 4, zUpper: 4, inflation: 1 })
  t.same([shift.lower, shift.upper], [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])
})

t.test('dependence: independent hours count whole, alike ones less, unknown ones less', async (t) => {
  const random = randomFrom(2)
  const white = Array.from({ length: 500 }, random.normal)
  t.ok(inflationOf(white) < 2)
  let slow = 0
  const alike = white.map((v) => (slow = 0.9 * slow + v))
  t.ok(inflationOf(alike) > 6)
  t.equal(inflationOf(white.slice(0, 40)), 1.5)
  t.equal(inflationOf(new Array(100).fill(1)), 1)
})

t.test('a daily rhythm is taken off, and hours that the baseline has not seen are left out', async (t) => {
  const HOUR = 3_600_000
  const at = (hour: number) => ({ at: hour * HOUR, value: (hour % 24) * 10 })
  const week = Array.from({ length: 168 }, (_, hour) => at(hour))
  const { baseline, soak } = withoutRhythm(
    week,
    Array.from({ length: 24 }, (_, hour) => at(168 + hour))
  )
  t.same(new Set([...baseline, ...soak.map((point) => point.value)]), new Set([0]))
  const night = withoutRhythm(week.slice(0, 6), week)
  t.ok(night.soak.every((point) => (point.at / HOUR) % 24 < 7))
})
