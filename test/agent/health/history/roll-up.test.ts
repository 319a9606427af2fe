import fc from 'fast-check'
import t from 'tap'
import { quantile, resultCode, resultOf, rollUp } from '../../../../agent/health/history/roll-up.ts'
import { checkResults } from '../../../../shared/verdict/evidence.ts'

t.test('counts and values of an hour', async (t) => {
  const of = (result: 'pass' | 'fail' | 'unknown', value: number | null) => ({ result, value })
  t.same(rollUp([]), {
    pass: 0,
    warn: 0,
    fail: 0,
    unknown: 0,
    mean: null,
    median: null,
    p95: null,
    max: null
  })
  const hour = rollUp([of('pass', 1), of('pass', 3), of('fail', 8), of('unknown', 1000), of('pass', null)])
  t.match(hour, { pass: 3, fail: 1, unknown: 1, median: 3, max: 8 })
  t.ok(Math.abs((hour.mean ?? 0) - 4) < 1e-9)
  t.ok(Math.abs((hour.p95 ?? 0) - 7.5) < 1e-9)
  t.equal(quantile([], 0.5), null)
})

t.test('whatever the values, they are in order and finite', async () => {
  const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 })
  const samples = fc.array(fc.record({ result: fc.constantFrom(...checkResults), value: fc.option(value) }))
  fc.assert(
    fc.property(samples, (all) => {
      const { pass, warn, fail, unknown, mean, median, p95, max } = rollUp(all)
      const counted = pass + warn + fail + unknown === all.length
      if (median === null || p95 === null || max === null || mean === null) return counted
      return counted && median <= p95 && p95 <= max && Number.isFinite(mean)
    })
  )
})

t.test('a result is stored by its place', async (t) => {
  for (const result of checkResults) t.equal(resultOf(resultCode(result)), result)
  t.equal(resultOf(99), 'unknown')
})
