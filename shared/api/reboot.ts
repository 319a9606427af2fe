import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Nullable } from './schemas.ts'

const closed = { additionalProperties: false } as const

export const RebootCause = Type.Object(
  {
    what: Type.String({ description: 'kernel, initrd, a switch inhibitor, and the like' }),
    from: Nullable(Type.String({ description: 'What it is now; null where there is none' })),
    to: Nullable(Type.String({ description: 'What it will be; null where there will be none' }))
  },
  { $id: 'RebootCause', ...closed, description: 'One thing that only a reboot brings' }
)
export type RebootCause = Static<typeof RebootCause>

export const RebootNeed = Type.Object(
  {
    required: Type.Boolean({ description: 'A switch would be refused, or would change nothing' }),
    recommended: Type.Boolean({ description: 'A switch works, and a part waits for the next boot' }),
    causes: Type.Array(RebootCause, { description: 'Why, sorted by name' })
  },
  { $id: 'RebootNeed', ...closed, description: 'Whether a generation needs a reboot, and why' }
)
export type RebootNeed = Static<typeof RebootNeed>
