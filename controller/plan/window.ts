import type { PlannedWindow } from '../../shared/api/rollout.ts'

/** Whether something may be changed now, and when that changes next (milliseconds since 1970). */
export interface Opening {
  readonly open: boolean
  /** Null when it never changes. */
  readonly changesAt: number | null
}

const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const MINUTE = 60_000
const DAY_MINUTES = 1440

/** Judges windows at a moment. No window means always. */
export function openingAt(windows: readonly PlannedWindow[], now: number): Opening {
  if (windows.length === 0) return { open: true, changesAt: null }
  const open = isOpen(windows, now)
  const next = windows
    .flatMap((window) => boundaries(window, now))
    .sort((a, b) => a - b)
    .find((at) => at > now && isOpen(windows, at) !== open)
  return { open, changesAt: next ?? null }
}

const isOpen = (windows: readonly PlannedWindow[], now: number) =>
  windows.some((window) => covers(window, now))

function covers(window: PlannedWindow, now: number): boolean {
  const { day, minute } = localTime(window.timeZone, now)
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)]
  const opensOn = (index: number) =>
    window.days === undefined || window.days.includes(week[(index + 7) % 7] ?? '')
  if (from < to) return opensOn(day) && minute >= from && minute < to
  return (opensOn(day) && minute >= from) || (opensOn(day - 1) && minute < to)
}

/** Moments of the next eight days at which the window opens or closes, some of them on days that it does not. */
function boundaries(window: PlannedWindow, now: number): number[] {
  const start = Math.floor(now / MINUTE) * MINUTE
  const local = localTime(window.timeZone, start)
  return [window.from, window.to].flatMap((time) =>
    Array.from({ length: 9 }, (_, day) => {
      const guess = start + (minutesOf(time) - local.minute + day * DAY_MINUTES) * MINUTE
      // Where the clock is changed in between, the guess is off by that much.
      const seen = localTime(window.timeZone, guess).minute
      const off = minutesOf(time) - seen
      return guess + (Math.abs(off) <= 180 ? off : off - Math.sign(off) * DAY_MINUTES) * MINUTE
    })
  )
}

const minutesOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))

const formats = new Map<string, Intl.DateTimeFormat>()

/** Day of the week (0 is Monday) and minute of the day, as clocks in the time zone show them. */
function localTime(timeZone: string, at: number): { readonly day: number; readonly minute: number } {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23'
    })
    formats.set(timeZone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  const day = week.indexOf((parts.weekday ?? '').toLowerCase())
  return { day, minute: Number(parts.hour) * 60 + Number(parts.minute) }
}
