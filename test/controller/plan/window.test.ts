import fc from 'fast-check'
import t from 'tap'
import { openingAt } from '../../../controller/plan/window.ts'

const at = (text: string) => Date.parse(text)
const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString().slice(0, 16))
const night = { days: ['mon', 'tue'], from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' }

t.test('no window is always open', async (t) => {
  t.same(openingAt([], 0), { open: true, changesAt: null })
})

t.test('a night belongs to the day on which it begins', async (t) => {
  const cases: [string, boolean, string][] = [
    ['2026-03-02T20:59:00Z', false, '2026-03-02T21:00'],
    ['2026-03-02T21:00:00Z', true, '2026-03-03T05:00'],
    ['2026-03-03T04:59:00Z', true, '2026-03-03T05:00'],
    ['2026-03-03T05:00:00Z', false, '2026-03-03T21:00'],
    ['2026-03-04T04:00:00Z', true, '2026-03-04T05:00'],
    ['2026-03-04T21:30:00Z', false, '2026-03-09T21:00'],
    ['2026-03-02T03:00:00Z', false, '2026-03-02T21:00']
  ]
  for (const [now, open, next] of cases) {
    const found = openingAt([night], at(now))
    t.same([found.open, iso(found.changesAt)], [open, next], now)
  }
})

t.test('it follows the clocks on the wall when they are changed', async (t) => {
  // Berlin goes to summer time on Sunday 2026-03-29, and back on 2026-10-25.
  const daily = [{ from: '08:00', to: '09:00', timeZone: 'Europe/Berlin' }]
  t.equal(iso(openingAt(daily, at('2026-03-28T12:00:00Z')).changesAt), '2026-03-29T06:00')
  t.equal(iso(openingAt(daily, at('2026-10-24T12:00:00Z')).changesAt), '2026-10-25T07:00')
  // 02:30 does not exist on that Sunday: the window is open while the clock on the wall is in it.
  const gap = [{ from: '02:30', to: '03:30', timeZone: 'Europe/Berlin' }]
  t.equal(openingAt(gap, at('2026-03-29T01:10:00Z')).open, true)
})

t.test('windows that touch or overlap are one', async (t) => {
  const both = [
    { from: '08:00', to: '10:00', timeZone: 'UTC' },
    { from: '10:00', to: '12:00', timeZone: 'UTC' }
  ]
  t.equal(iso(openingAt(both, at('2026-03-02T09:00:00Z')).changesAt), '2026-03-02T12:00')
})

t.test('from and to the same is a whole day', async (t) => {
  const sunday = [{ days: ['sun'], from: '00:00', to: '00:00', timeZone: 'UTC' }]
  t.same(openingAt(sunday, at('2026-03-01T23:59:00Z')), { open: true, changesAt: at('2026-03-02T00:00:00Z') })
  const all = [{ from: '05:00', to: '05:00', timeZone: 'UTC' }]
  t.same(openingAt(all, at('2026-03-02T09:00:00Z')), { open: true, changesAt: null })
})

t.test('nothing changes before the moment that is told, and it does then', async (t) => {
  const time = fc.record({ h: fc.nat({ max: 23 }), m: fc.nat({ max: 59 }) })
  const two = (n: number) => String(n).padStart(2, '0')
  const window = fc
    .record({
      from: time,
      to: time,
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Auckland'),
      days: fc.option(fc.subarray(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], { minLength: 1 }))
    })
    .map(({ from, to, zone, days }) => ({
      ...(days === null ? {} : { days }),
      from: `${two(from.h)}:${two(from.m)}`,
      to: `${two(to.h)}:${two(to.m)}`,
      timeZone: zone
    }))
  const start = at('2026-03-20T00:00:00Z')
  fc.assert(
    fc.property(
      fc.array(window, { minLength: 1, maxLength: 3 }),
      fc.nat({ max: 30 * 1440 }),
      (windows, minutes) => {
        const now = start + minutes * 60_000
        const { open, changesAt } = openingAt(windows, now)
        const until = Math.min(changesAt ?? Number.POSITIVE_INFINITY, now + 2 * 1440 * 60_000)
        for (let at = now; at < until; at += 7 * 60_000) {
          if (openingAt(windows, at).open !== open) throw new Error(`changes at ${iso(at)}`)
        }
        if (changesAt !== null && openingAt(windows, changesAt).open === open)
          throw new Error('does not change')
      }
    ),
    { numRuns: 60 }
  )
  t.pass()
})
