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
