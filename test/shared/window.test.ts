import fc from 'fast-check'
import t from 'tap'
import type { MaintenanceWindow } from '../../shared/window.ts'
import { days, describeWindow, isOpen, isTimeZone, nextOpening } from '../../shared/window.ts'

const MINUTE = 60_000
const at = (text: string) => Date.parse(text)
const berlin = (on: MaintenanceWindow['days'], from: string, to: string): MaintenanceWindow => ({
  days: on,
  from,
  to,
  timeZone: 'Europe/Berlin'
})

t.test('no windows: always open', async (t) => {
  t.equal(isOpen([], 0), true)
  t.equal(nextOpening([], 7), 7)
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
function readsOpen({ days: on, from, to, timeZone }: MaintenanceWindow, ms: number): boolean {
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
