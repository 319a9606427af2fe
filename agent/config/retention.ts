import { Type } from 'typebox'

const number = {
  minute: '[0-5]?\\d',
  hour: '(?:[01]?\\d|2[0-3])',
  day: '(?:0?[1-9]|[12]\\d|3[01])',
  month: '(?:0?[1-9]|1[0-2])',
  weekday: '[0-7]'
}
/** A field of a cron text: `*`, numbers and ranges, each with a step, separated by commas. */
const field = (n: string) => {
  const part = `(?:\\*|${n}(?:-${n})?)(?:/[1-9]\\d?)?`
  return `${part}(?:,${part})*`
}
/** Five fields: minute, hour, day of the month, month, day of the week. No seconds: nothing here is that urgent. */
const cron = `^${Object.values(number).map(field).join(' ')}$`

/** Which generations stay. */
export const Retention = Type.Object(
  {
    keep: Type.Integer({
      minimum: 5,
      maximum: 1000,
      description: 'So many of the newest generations stay',
      default: 5
    }),
    days: Type.Integer({
      minimum: 0,
      maximum: 3650,
      description: 'Generations that are younger stay',
      default: 30
    }),
    schedule: Type.Union([Type.String({ pattern: cron, maxLength: 100 }), Type.Null()], {
      description: 'When the others are deleted: five cron fields in UTC, such as 30 4 * * 0; null is never',
      default: null
    })
  },
  { additionalProperties: false, description: 'Retention of generations', default: {} }
)
