import fc from 'fast-check'
import t from 'tap'
import type { Day, MaintenanceWindow } from '../../shared/window.ts'
import {
  days,
  describeWindow,
  isOpen,
  isTimeZone,
  nextClosing,
  nextOpening,
  openingAt
} from '../../shared/window.ts'

const MINUTE = 60_000
const at = (text: string) => Date.parse(text)
const berlin = (on: readonly Day[], from: string, to: string): MaintenanceWindow => ({
  days: on,
  from,
  to,
  timeZone: 'Europe/Berlin'
})

t.test('no windows: always open', async (t) => {
  t.equal(isOpen([], 0), true)
  t.equal(nextOpening([], 7), 7)
  t.same(openingAt([], 0), { open: true, changesAt: null })
})

t.test('in a day, and past midnight', async (t) => {
  const day = [berlin(['wed'], '02:00', '04:00')]
  t.equal(isOpen(day, at('2026-01-07T01:00:00Z')), true, 'the first minute belongs to it')
  t.equal(isOpen(day, at('2026-01-07T02:59:59.999Z')), true)
  t.equal(isOpen(day, at('2026-01-07T03:00:00Z')), false, 'the last does not')
  t.equal(isOpen(day, at('2026-01-08T01:30:00Z')), false, 'another day')
  t.equal(nextOpening(day, at('2026-01-07T03:00:00Z')), at('2026-01-14T01:00:00Z'))
  const night = [berlin(['fri'], '22:00', '05:00')]
  t.equal(isOpen(night, at('2026-01-09T21:00:00Z')), true)
  t.equal(isOpen(night, at('2026-01-10T03:59:00Z')), true, 'on the day after')
  t.equal(isOpen(night, at('2026-01-09T03:59:00Z')), false, 'not on the morning before')
  const whole = [berlin(['sun'], '00:00', '24:00')]
  t.equal(isOpen(whole, at('2026-01-04T22:59:00Z')), true)
  t.equal(isOpen(whole, at('2026-01-04T23:00:00Z')), false)
})

t.test('the clocks of the zone decide where they skip an hour or show it twice', async (t) => {
  // Berlin, 29 March 2026: 02:00 becomes 03:00. 25 October: 03:00 becomes 02:00.
  const skipped = [berlin(['sun'], '02:15', '02:45')]
  t.equal(nextOpening(skipped, at('2026-03-28T12:00:00Z')), at('2026-04-05T00:15:00Z'), 'a week later')
  const begins = [berlin(['sun'], '02:30', '04:00')]
  t.equal(nextOpening(begins, at('2026-03-28T12:00:00Z')), at('2026-03-29T01:00:00Z'), 'at the change')
  const twice = [berlin(['sun'], '02:00', '03:00')]
  t.equal(isOpen(twice, at('2026-10-25T00:30:00Z')), true)
  t.equal(isOpen(twice, at('2026-10-25T01:30:00Z')), true)
  t.equal(isOpen(twice, at('2026-10-25T02:00:00Z')), false)
  const again = [berlin(['sun'], '02:00', '02:30')]
  t.equal(nextOpening(again, at('2026-10-25T00:30:00Z')), at('2026-10-25T01:00:00Z'), 'the second time')
})

t.test('names of zones, and a window in words', async (t) => {
  t.equal(isTimeZone('Europe/Berlin'), true)
  t.equal(isTimeZone('UTC'), true)
  for (const no of ['Europe/Nowhere', '', '--help', 'Europe/Berlin\n']) t.equal(isTimeZone(no), false, no)
  t.equal(describeWindow(berlin(['mon', 'tue'], '01:00', '02:00')), 'mon, tue 01:00–02:00 Europe/Berlin')
})

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'Pacific/Apia'
]
const time = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'))
const window = fc.record({
  days: fc.uniqueArray(fc.constantFrom(...days), { minLength: 1 }),
  from: time,
  to: fc.oneof(time, fc.constant('24:00')),
  timeZone: fc.constantFrom(...zones)
})
// Around the changes of 2026 of the zones above, and anywhere.
const moment = fc.oneof(
  fc.integer({ min: at('2026-03-27T00:00:00Z'), max: at('2026-04-06T00:00:00Z') }),
  fc.integer({ min: at('2026-10-02T00:00:00Z'), max: at('2026-10-27T00:00:00Z') }),
  fc.integer({ min: at('2011-12-27T00:00:00Z'), max: at('2012-01-02T00:00:00Z') }),
  fc.integer({ min: 0, max: at('2100-01-01T00:00:00Z') })
)

/** What a person would do: read the clock on the wall. */
function readsOpen({ days: on = days, from, to, timeZone }: MaintenanceWindow, ms: number): boolean {
  const text = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit'
  }).format(ms)
  const [day = '', clock = ''] = text.toLowerCase().split(/[ ,]+/)
  const yesterday = days[(days.indexOf(day as never) + 6) % 7]
  const today = on.includes(day as never)
  if (from < to) return today && clock >= from && clock < to
  return (today && clock >= from) || (on.includes(yesterday as never) && clock < to)
}

t.test('open is what the clock on the wall says', async (t) => {
  fc.assert(
    fc.property(window, moment, (w, ms) => isOpen([w], ms) === readsOpen(w, ms)),
    { numRuns: 500 }
  )
  t.pass()
})

t.test('the next opening is open, and nothing is open before it', async (t) => {
  fc.assert(
    fc.property(fc.array(window, { minLength: 1, maxLength: 3 }), moment, (windows, ms) => {
      const next = nextOpening(windows, ms)
      if (next === null || next < ms || !isOpen(windows, next)) return false
      if (next > ms && isOpen(windows, next - 1)) return false
      const step = Math.max(7 * MINUTE, Math.floor((next - ms) / 200))
      for (let at = ms; at < next; at += step) if (isOpen(windows, at)) return false
      return true
    }),
    { numRuns: 300 }
  )
  t.pass()
})

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString().slice(0, 16))
const night = { ...berlin(['mon', 'tue'], '22:00', '06:00') }

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
  const sunday = [{ days: ['sun'] as const, from: '00:00', to: '00:00', timeZone: 'UTC' }]
  t.same(openingAt(sunday, at('2026-03-01T23:59:00Z')), { open: true, changesAt: at('2026-03-02T00:00:00Z') })
  const all = [{ from: '05:00', to: '05:00', timeZone: 'UTC' }]
  t.same(openingAt(all, at('2026-03-02T09:00:00Z')), { open: true, changesAt: null })
})

t.test('the next closing is closed, and nothing is closed before it', async (t) => {
  const open = fc.record({ windows: fc.array(window, { minLength: 1, maxLength: 3 }), ms: moment })
  fc.assert(
    fc.property(open, ({ windows, ms }) => {
      const from = nextOpening(windows, ms)
      if (from === null) return true
      const next = nextClosing(windows, from)
      if (next !== null && (isOpen(windows, next) || !isOpen(windows, next - 1))) return false
      const until = next ?? from + 9 * 1440 * MINUTE
      const step = Math.max(7 * MINUTE, Math.floor((until - from) / 200))
      for (let at = from; at < until; at += step) if (!isOpen(windows, at)) return false
      return true
    }),
    { numRuns: 300 }
  )
  t.pass()
})
