import { Type } from 'typebox'
import { userPattern } from '../../shared/api/profile.ts'

/** Settings of the homes that are looked after. */
export const HomeSettings = Type.Object(
  {
    users: Type.Array(Type.String({ pattern: `^${userPattern}$` }), {
      maxItems: 50,
      uniqueItems: true,
      description: 'Users whose homes of home-manager are looked after; root is never one',
      default: []
    }),
    withoutManager: Type.Enum(['warn', 'fail'], {
      description:
        "When the service manager of a user does not run, so that nothing tells whether the user's units work",
      default: 'warn'
    })
  },
  { additionalProperties: false, description: 'Homes', default: {} }
)
