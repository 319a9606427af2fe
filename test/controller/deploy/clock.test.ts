import t from 'tap'
import { backOffMs, systemClock } from '../../../controller/deploy/clock.ts'

t.test('waits double up to five seconds, and chance takes up to half away', (t) => {
  t.same(
    [0, 1, 2, 3, 4, 5, 1000].map((attempt) => backOffMs(attempt, 1)),
    [250, 500, 1000, 2000, 4000, 5000, 5000]
  )
  t.equal(backOffMs(5, 0), 2500)
  t.end()
})

t.test('the clock of this machine runs, and a sleep can be interrupted', async (t) => {
  t.ok(Math.abs(systemClock.now() - Date.now()) < 1000)
  t.ok(systemClock.random() < 1)
  await t.rejects(systemClock.sleep(60_000, AbortSignal.abort()), { name: 'AbortError' })
})
