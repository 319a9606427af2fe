import type { Static } from 'typebox'
import { Type } from 'typebox'

const closed = { additionalProperties: false } as const
const text = (description: string) => Type.String({ description })

export const Hold = Type.Object(
  {
    reason: text('Why nothing is activated'),
    principal: text('Who put it on hold'),
    at: text('When, RFC 3339'),
    operation: Type.Union([text('The operation of the emergency rollback that did it'), Type.Null()])
  },
  { $id: 'Hold', ...closed, description: 'While it stands, activations are refused; a rollback is not' }
)
export type Hold = Static<typeof Hold>

/** A hold, or null where there is none. */
export const MaybeHold = Type.Union([Type.Unsafe<Hold>(Type.Ref('Hold')), Type.Null()])

export const HoldRequest = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why, for whoever is kept back' }) },
  { $id: 'HoldRequest', ...closed, description: 'Puts the host on hold' }
)
export type HoldRequest = Static<typeof HoldRequest>

export const ReleaseRequest = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why, for the log of the agent' }) },
  { $id: 'ReleaseRequest', ...closed, description: 'Ends a hold' }
)
export type ReleaseRequest = Static<typeof ReleaseRequest>

export const HoldState = Type.Object(
  { hold: MaybeHold },
  { $id: 'HoldState', ...closed, description: 'The hold, or null' }
)
export type HoldState = Static<typeof HoldState>
