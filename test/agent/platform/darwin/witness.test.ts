import fc from 'fast-check'
import t from 'tap'
import { advance, noCount, sleptMs } from '../../../../agent/health/soak/soak-clock.ts'
import { MacClock, parseAsleep } from '../../../../agent/platform/darwin/witness.ts'

const HOUR = 3_600_000

t.test('how long a Mac has slept, from its counters', async (t) => {
  // Made up: 24 MHz as on Apple's processors, an hour and a half of sleep.
  t.equal(parseAsleep(`24000000\n${24e6 * 7200}\n${24e6 * 1800}\n`), 1.5 * HOUR)
  t.equal(parseAsleep('24000000\n0\n0\n'), 0, 'it has never slept')
  for (const none of [null, '', '24000000\n5\n', '0\n1\n1\n', '24000000\n1\n24000001\n', 'unknown oid'])
    t.equal(parseAsleep(none), null)
  fc.assert(fc.property(fc.string(), (text) => (parseAsleep(text) ?? 0) >= 0))
})

t.test('sleep counts for nothing, before macOS was asked and after', async (t) => {
  let now = 0
  let asleep: number | null = 0
  const clock = new MacClock(
    () => now,
    async () => asleep
  )
  const sign = () => ({ at: new Date(now).toISOString(), bootId: 'A', ...clock.read() })
  await clock.refresh()
  let live = { sign: sign(), count: noCount }
  const lives = (ms: number) => {
    now += ms
    const next = sign()
    const slept = sleptMs(live.sign, next)
    live = advance(live, next, true)
    return slept
  }
  t.equal(lives(60_000), 0)
  await clock.refresh()
  t.ok(lives(8 * HOUR) > 7 * HOUR, 'asleep, as long as nobody has been asked')
  t.ok(live.count.onMs <= 180_000)
  asleep = 8 * HOUR - 30_000
  await clock.refresh()
  lives(0)
  t.ok(live.count.onMs <= 180_000)
  await clock.refresh()
  const before = live.count.onMs
  lives(60_000)
  await clock.refresh()
  lives(60_000)
  t.ok(live.count.onMs - before <= 120_000 && live.count.onMs - before > 0, 'and goes on')
  asleep = null
  await clock.refresh()
  t.equal(lives(60_000), 0, 'what was told once is kept')
})
