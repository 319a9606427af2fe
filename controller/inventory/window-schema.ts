import type { Static } from 'typebox'
import { Type } from 'typebox'
import type { Day } from '../../shared/window.ts'
import { closed } from './words.ts'

/** Days of the week, Monday first. */
const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const satisfies readonly Day[]

const time = (description: string) => Type.String({ description, pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' })

/** A time of the day, on some days, in which a host may be changed. */
export const Window = Type.Object(
  {
    days: Type.Optional(
      Type.Array(Type.Enum([...week]), {
        description: 'Days on which it opens. Default every day',
        uniqueItems: true,
        minItems: 1
      })
    ),
    from: time('When it opens, such as 22:00'),
    to: time('When it closes, such as 06:00; not later than it opens means on the next day'),
    timeZone: Type.String({
      description: 'Name of the time zone, such as Europe/Berlin or UTC',
      pattern: '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$',
      maxLength: 64
    })
  },
  { $id: 'Window', ...closed, description: 'When a host may be changed' }
)
export type Window = Static<typeof Window>
