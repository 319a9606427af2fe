import type { Static } from 'typebox'
import { Type } from 'typebox'
import { MaybeHold } from './hold.ts'

const closed = { additionalProperties: false } as const
const text = (description: string) => Type.String({ description })

/** Who activates a home: somebody by itself, or the system with each of its own activations. */
export const homeKinds = ['standalone', 'integrated', 'unknown'] as const
export type HomeKind = (typeof homeKinds)[number]

export const HomeState = Type.Object(
  {
    user: text('Name of the user'),
    kind: Type.Enum(homeKinds, {
      description:
        'standalone: Belay may activate it. integrated: a part of the system, which activates it; it is only watched. unknown: it could not be looked at'
    }),
    problem: Type.Union([text('Why it could not be looked at, or what is wrong with it'), Type.Null()]),
    userManager: Type.Boolean({
      description: "The user's service manager runs: the user is logged in, or lingers"
    }),
    failedUnits: Type.Array(Type.String(), {
      description: "Units of the user's service manager that failed"
    }),
    hold: MaybeHold
  },
  { $id: 'HomeState', ...closed, description: 'What is particular to the profile of a home' }
)
export type HomeState = Static<typeof HomeState>
