/** Days of the week as windows name them. */
export const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
export type Day = (typeof days)[number]

/**
 * A maintenance window: open while the clocks of a time zone show one of the days and a time in `from` ≤ time < `to`,
 * both HH:MM, `to` up to 24:00. With `to` not behind `from` it goes past midnight and ends on the day after; the days
 * are those on which it opens. It follows the clocks on the wall: an hour that they skip does not open it, an hour that
 * they show twice opens it twice.
 */
export interface MaintenanceWindow {
  /** Every day where it is missing. */
  readonly days?: readonly Day[]
  readonly from: string
  readonly to: string
  /** IANA name, such as Europe/Berlin. */
  readonly timeZone: string
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** Days in a week, twice for a window in a skipped hour, and some changes of offset. */
const MAX_STEPS = 40

/** Whether one of the windows is open at a time (milliseconds since the epoch). No windows at all: always. */
export function isOpen(windows: readonly MaintenanceWindow[], atMs: number): boolean {
  return windows.length === 0 || windows.some((window) => isWithin(window, atMs))
}

/** The first moment from `atMs` on at which one of the windows is open; null where none ever is. */
export function nextOpening(windows: readonly MaintenanceWindow[], atMs: number): number | null {
  if (windows.length === 0) return atMs
  const openings = windows.map((window) => openingOf(window, atMs)).filter((ms) => ms !== null)
  return openings.length === 0 ? null : Math.min(...openings)
}

/** Whether something may be changed now, and when that changes next (milliseconds since the epoch; null: never). */
export interface Opening {
  readonly open: boolean
  readonly changesAt: number | null
}

/** Judges windows at a moment. */
export function openingAt(windows: readonly MaintenanceWindow[], atMs: number): Opening {
  const open = isOpen(windows, atMs)
  return { open, changesAt: open ? nextClosing(windows, atMs) : nextOpening(windows, atMs) }
}

/** The first moment from `atMs` on at which none of the windows is open; null where that is never. */
export function nextClosing(windows: readonly MaintenanceWindow[], atMs: number): number | null {
  let at = atMs
  // Each step goes to the end of the window that is open longest: where another one has begun by then, on from there.
  for (let step = 0; step < MAX_STEPS; step++) {
    const open = windows.filter((window) => isWithin(window, at))
    if (open.length === 0) return windows.length === 0 ? null : at
    const ends = open.map((window) => closingOf(window, at))
    if (ends.includes(null)) return null
    at = Math.max(...ends.map(Number))
  }
  return null
}

/** Whether there are clocks that show the time of a zone by this name. */
export function isTimeZone(name: string): boolean {
  // Always there, and what the settings have by default. To ask for any is a tenth of a command that reads them: it loads all zones.
  if (name === 'UTC') return true
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** A window in words. */
export function describeWindow({ days: on, from, to, timeZone }: MaintenanceWindow): string {
  return `${on?.join(', ') ?? 'every day'} ${from}–${to} ${timeZone}`
}

function isWithin({ days: on, from, to, timeZone }: MaintenanceWindow, atMs: number): boolean {
  const wall = wallOf(timeZone, atMs)
  const time = modulo(wall, DAY)
  const [start, end] = [timeOf(from), timeOf(to)]
  const opensOn = (ms: number) => on === undefined || on.includes(dayOf(ms))
  if (start < end) return opensOn(wall) && time >= start && time < end
  return (opensOn(wall) && time >= start) || (opensOn(wall - DAY) && time < end)
}

/** The first moment from `atMs` on at which it is open: at its beginning, on one of the days. */
const openingOf = (window: MaintenanceWindow, atMs: number) => firstTime(window, atMs, window.from, true)

/** The first moment from `atMs` on at which it is not. */
const closingOf = (window: MaintenanceWindow, atMs: number) => firstTime(window, atMs, window.to, false)

/** Goes from one time at which it could change to the next: a time of the day, and each change of the offset. */
function firstTime(window: MaintenanceWindow, atMs: number, time: string, open: boolean): number | null {
  let at = atMs
  for (let step = 0; step < MAX_STEPS; step++) {
    if (isWithin(window, at) === open) return at
    const ahead = timeOf(time) - modulo(wallOf(window.timeZone, at), DAY)
    const next = at + (ahead > 0 ? ahead : ahead + DAY)
    at = firstChange(window.timeZone, at, next) ?? next
  }
  return null
}

/** The first moment in (from, to] with another offset than at `from`, where it is another at `to`. */
function firstChange(timeZone: string, from: number, to: number): number | null {
  const offset = offsetOf(timeZone, from)
  if (offsetOf(timeZone, to) === offset) return null
  let [before, after] = [from, to]
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetOf(timeZone, middle) === offset) before = middle
    else after = middle
  }
  return after
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const numeric = 'numeric' as const
  const parts = {
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    ...parts
  })
  formats.set(timeZone, format)
  return format
}

/** How far the clocks of a zone are ahead of UTC, in milliseconds. */
function offsetOf(timeZone: string, atMs: number): number {
  const whole = Math.floor(atMs / 1000) * 1000
  const part: Record<string, number> = {}
  for (const { type, value } of formatOf(timeZone).formatToParts(whole)) part[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole
}

/** What the clocks of a zone show, as if they showed UTC. */
const wallOf = (timeZone: string, atMs: number) => atMs + offsetOf(timeZone, atMs)
const dayOf = (wallMs: number): Day => days[new Date(wallMs).getUTCDay()] as Day
const modulo = (a: number, b: number) => ((a % b) + b) % b

/** Milliseconds from midnight to HH:MM. */
function timeOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return (hours * 60 + minutes) * MINUTE
}
