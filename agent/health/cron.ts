import { isTimeZone as hasClocks } from '../../shared/window.ts'

/** Least and greatest value of each field: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday). */
const ranges = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of the month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12 },
  { name: 'day of the week', from: 0, to: 7 }
] as const

/** Days of each month, the leap day counted. */
const days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * What is wrong with a schedule of five fields, or null. Narrower than what node-cron takes: no seconds, no names, and
 * nothing that never comes, for which it would search for ever.
 */
export function cronProblem(expression: string): string | null {
  const fields = expression.split(' ')
  if (fields.length !== ranges.length)
    return `found ${fields.length} fields, wanted 5: minute hour day month weekday`
  const values: number[][] = []
  for (const [i, { name, from, to }] of ranges.entries()) {
    const parsed = parseField(fields[i] ?? '', from, to)
    if (parsed === null)
      return `${name}: found ${JSON.stringify(fields[i])}, wanted ${from} to ${to}, *, */n, a-b or a list`
    values.push(parsed)
  }
  const [, , monthDays = [], months = []] = values
  const comes = months.some((month) => monthDays.some((day) => day <= (days[month - 1] ?? 0)))
  return comes ? null : 'such a day never comes'
}

/** How often a schedule comes. */
export interface Rhythm {
  /** On average, over the years. */
  readonly perHour: number
  /** The shortest time between two, in milliseconds. */
  readonly leastMs: number
}

const MINUTE_MS = 60_000
const DAY_MINUTES = 24 * 60
/** After so many days dates and days of the week are together as they were. */
const CYCLE_DAYS = 28 * 365 + 7

/** The rhythm of a schedule without a problem: what lies between its next two says little of one that pauses at night. */
export function rhythmOf(expression: string): Rhythm {
  const fields = expression.split(' ')
  const values = (field: 0 | 1 | 2 | 3 | 4): Values => {
    const { from, to } = ranges[field]
    return new Set(parseField(fields[field] ?? '', from, to))
  }
  const days = daysOf(values(2), values(3), new Set([...values(4)].map((day) => day % 7)))
  const minutes = [...values(0)]
  const times = [...values(1)].flatMap((hour) => minutes.map((minute) => hour * 60 + minute))
  const sorted = times.sort((a, b) => a - b)
  const gaps = sorted.map((at, i) => (sorted[i + 1] ?? (sorted[0] ?? 0) + DAY_MINUTES) - at)
  return {
    perHour: (sorted.length * days) / CYCLE_DAYS / 24,
    leastMs: Math.min(...gaps) * MINUTE_MS
  }
}

type Values = ReadonlySet<number>

/** How many days of the cycle it comes on. */
function daysOf(monthDays: Values, months: Values, week: Values): number {
  if (monthDays.size === 31 && months.size === 12) return (CYCLE_DAYS * week.size) / 7
  const all = Array.from({ length: CYCLE_DAYS }, (_, day) => new Date(day * DAY_MINUTES * MINUTE_MS))
  return all.filter(
    (date) =>
      monthDays.has(date.getUTCDate()) && months.has(date.getUTCMonth() + 1) && week.has(date.getUTCDay())
  ).length
}

/** The values of one field, or null when it is none. */
function parseField(field: string, from: number, to: number): number[] | null {
  const all: number[] = []
  for (const part of field.split(',')) {
    const [, star, first, last, step] = /^(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part) ?? []
    if (star === undefined && first === undefined) return null
    // `5/10` is read in two ways out there.
    if (step !== undefined && star === undefined && last === undefined) return null
    const low = star ? from : Number(first)
    const high = star ? to : Number(last ?? first)
    const by = step === undefined ? 1 : Number(step)
    if (low < from || high > to || low > high || by < 1) return null
    for (let value = low; value <= high; value += by) all.push(value)
  }
  return all
}

/** True for the name of a time zone that this system knows; an offset is no name. */
export const isTimeZone = (name: string): boolean => /^[A-Za-z]/.test(name) && hasClocks(name)
