import { Type } from 'typebox'
import { Window } from './window-schema.ts'
import { because, closed } from './words.ts'

/** What a rollout must know of a host; each may stand in `defaults` too. */
export const factFields = {
  presence: Type.Optional(
    Type.Enum(['always', 'intermittent'], {
      description: 'intermittent: asleep or away is normal, and keeps nobody else waiting. Default always'
    })
  ),
  physicalAccess: Type.Optional(
    Type.Boolean({ description: 'Somebody can sit down in front of the host. Default false' })
  ),
  windows: Type.Optional(
    Type.Array(Window, { description: 'When a rollout may change the host. Default always', maxItems: 20 })
  )
}

/** What only one host can say. */
export const ownFactFields = {
  hold: Type.Optional(
    Type.Object(
      { reason: because('Why nothing is activated on the host') },
      { ...closed, description: 'No rollout touches the host until this is removed' }
    )
  )
}
