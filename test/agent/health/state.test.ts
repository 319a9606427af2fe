import fc from 'fast-check'
import t from 'tap'
import type { Standing } from '../../../agent/health/state.ts'
import { fold } from '../../../agent/health/state.ts'
import type { CheckResult } from '../../../shared/verdict/evidence.ts'
import { checkResults } from '../../../shared/verdict/evidence.ts'

const MINUTE = 60_000
const judging = { forMs: 5 * MINUTE, maxStepMs: 2 * MINUTE }
const sample = (at: number, result: CheckResult) => ({
  check: 'x',
  at,
  result,
  value: null,
  durationMs: 1,
  message: ''
})

/** Folds results that come a minute apart, or at the times given. */
const after = (results: readonly CheckResult[], times = results.map((_, i) => i * MINUTE), how = judging) =>
  results.reduce<Standing | null>(
    (before, result, i) => fold(before, sample(times[i] ?? 0, result), how),
    null
  )

t.test('it fails for as long as its forSeconds demand, and not before', async (t) => {
  const failing = (count: number) => after(Array<CheckResult>(count).fill('fail'))?.failing
  t.equal(failing(5), false)
  t.equal(failing(6), true)
  t.equal(after(['fail'], [0], { ...judging, forMs: 0 })?.failing, true, 'at once where it demands nothing')
  t.equal(
    after(['fail', 'fail', 'fail', 'pass', 'fail', 'fail', 'fail'])?.failing,
    false,
    'a pass begins anew'
  )
})

t.test('unknown is neither good nor bad', async (t) => {
  t.equal(after(['fail', 'fail', 'unknown', 'fail', 'fail', 'fail'])?.failing, true)
  t.equal(after(Array<CheckResult>(20).fill('unknown'))?.failing, false)
  t.match(after([...Array<CheckResult>(6).fill('fail'), 'unknown']), {
    failing: true,
    last: { result: 'unknown' }
  })
})

t.test('neither sleep nor a jump of the clock makes a failure older than it was watched', async (t) => {
  const day = 24 * 60 * MINUTE
  t.equal(after(['fail', 'fail'], [0, day])?.failing, false, 'forward')
  t.equal(after(['fail', 'fail', 'fail'], [day, 0, MINUTE])?.failing, false, 'backward')
  t.equal(after(['fail', 'fail'], [day, 0])?.since, 0, 'since is never later than the newest sample')
})

t.test('since is when the result became what it is', async (t) => {
  t.equal(after(['pass', 'fail', 'fail', 'fail'])?.since, MINUTE)
  t.equal(after(['pass', 'pass'])?.since, 0)
})

t.test('what changes all the time flaps, until it has been quiet', async (t) => {
  const flips = Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? 'pass' : 'fail') as CheckResult)
  t.equal(after(flips)?.flapping, true)
  t.equal(after([...flips, ...Array<CheckResult>(10).fill('pass')])?.flapping, true, 'still')
  t.equal(after([...flips, ...Array<CheckResult>(25).fill('pass')])?.flapping, false)
  t.equal(after(flips.slice(0, 4))?.flapping, false)
})

t.test('for any history', async () => {
  const step = fc.record({
    result: fc.constantFrom(...checkResults),
    ms: fc.integer({ min: -day(), max: day() })
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.nat(3_600_000), (steps, forMs) => {
      const how = { forMs, maxStepMs: 2 * MINUTE }
      let at = 10 * day()
      let before: Standing | null = null
      for (const { result, ms } of steps) {
        at += ms
        const now: Standing = fold(before, sample(at, result), how)
        const must = (ok: boolean, what: string) => {
          if (!ok) throw new Error(`${what}: ${JSON.stringify({ before, now })}`)
        }
        must(now.since <= at, 'since is not in the future')
        must(now.changes.length <= 20, 'bounded')
        if (result === 'pass' || result === 'warn')
          must(!now.failing && now.failedMs === null, 'good is not failing')
        if (result === 'unknown')
          must(now.failing === (before?.failing ?? false), 'unknown changes no judgement')
        if (now.failing)
          must(now.failedMs !== null && (result === 'unknown' || now.failedMs >= forMs), 'long enough')
        must((now.failedMs ?? 0) <= steps.length * how.maxStepMs, 'no longer than watched')
        before = now
      }
    })
  )
})

function day(): number {
  return 24 * 60 * MINUTE
}
