import type { Static } from 'typebox'
import { Type } from 'typebox'
import { approvalIdPattern, MAX_APPROVAL, statedConfirms, statedModes } from '../approval.ts'
import { Nullable, StorePath } from './schemas.ts'

const closed = { additionalProperties: false } as const
const text = (description: string) => Type.String({ description })

/** A signed approval that is handed in. */
export const ApprovalRequest = Type.Object(
  {
    approval: Type.String({
      maxLength: MAX_APPROVAL,
      description: 'The statement and the SSH signature below it, as `belay approve --out` writes them'
    })
  },
  { $id: 'ApprovalRequest', ...closed, description: 'Hands a signed approval in' }
)
export type ApprovalRequest = Static<typeof ApprovalRequest>

/** Takes an approval back. */
export const RevokeRequest = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why' }) },
  { $id: 'RevokeRequest', ...closed, description: 'Takes an approval back that is not used yet' }
)
export type RevokeRequest = Static<typeof RevokeRequest>

/** States of an approval on its host. */
export const approvalStates = ['waiting', 'used', 'revoked', 'expired'] as const

/** An approval as its host holds it. */
export const Approval = Type.Object(
  {
    id: Type.String({ pattern: approvalIdPattern, description: 'Identity, random' }),
    state: Type.Enum(approvalStates, { description: 'waiting: may be used once, while it is valid' }),
    host: text('Host that it is for'),
    profile: text('Profile that it is for'),
    storePath: StorePath,
    planHash: text('Hash of the plan that was approved'),
    mode: Type.Enum(statedModes, { description: 'How it may come to run' }),
    confirm: Type.Enum(statedConfirms, { description: 'What may commit it' }),
    revision: Nullable(Type.Integer({ description: 'Revision of the desired state that it is for' })),
    issuedAt: text('RFC 3339, by the clock of who signed'),
    expiresAt: text('RFC 3339; the earlier of what was signed and of what this host allows'),
    receivedAt: text('RFC 3339'),
    principal: text('Who signed, as seen when it came in; looked at again when it is used'),
    key: text('Fingerprint of the key that signed'),
    endedAt: Nullable(text('RFC 3339; when it was used or revoked')),
    endedBy: Nullable(text('The operation that used it, or who revoked it')),
    reason: Nullable(text('Why it was revoked')),
    approval: text('The statement and its signature')
  },
  { $id: 'Approval', ...closed, description: 'An approval that was handed in' }
)
export type Approval = Static<typeof Approval>
