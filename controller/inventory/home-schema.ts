import type { Static } from 'typebox'
import { Type } from 'typebox'
import { userPattern } from '../../shared/api/profile.ts'
import { closed } from './words.ts'

/** One home of a host. */
export const HomeEntry = Type.Object(
  {
    attribute: Type.Optional(
      Type.String({
        description:
          'Flake attribute that is built. Default homeConfigurations."<user>@<host>".activationPackage',
        minLength: 1,
        pattern: '^[^#\\s-][^#\\s]*$'
      })
    ),
    withSystem: Type.Optional(
      Type.Boolean({
        description:
          'It moves with the system, as one operation: both are confirmed, or both come back. Default false: only where --home names it'
      })
    )
  },
  { ...closed, description: 'A home of home-manager' }
)
export type HomeEntry = Static<typeof HomeEntry>

/** The homes of a host by user. */
export const HomeEntries = Type.Record(Type.String({ pattern: `^${userPattern}$` }), HomeEntry, {
  ...closed,
  description: 'Homes of home-manager on the host, by user; see homes.md',
  maxProperties: 50
})
