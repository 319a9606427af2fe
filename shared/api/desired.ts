import type { Static } from 'typebox'
import { Type } from 'typebox'
import { MAX_APPROVAL } from '../approval.ts'
import { days } from '../window.ts'
import { activationModes, ConfirmPolicy, Nullable, StorePath } from './schemas.ts'

const closed = { additionalProperties: false } as const
const text = (description: string, options: object = {}) => Type.String({ description, ...options })

/** Why a host does not run what it is to run. Closed: programs may branch on it. */
export const desiredReasons = {
  converging: 'An operation of its own is on its way',
  held: 'The host is on hold',
  'outside-window': 'No window is open, of the host or of the desired state',
  fetching: 'The generation is fetched from the configured substituters',
  'path-missing': 'The generation is not here and cannot be fetched',
  'waiting-for-approval': 'The host wants a signed approval that it does not have',
  'waiting-for-reboot': 'The generation is staged; a reboot brings it',
  'operation-running': 'Another operation has not ended',
  'known-bad': 'The generation was rolled back here',
  cancelled: 'A person has cancelled its activation',
  drifted: 'Somebody has switched the host by hand, or moved its profile',
  overtaken: 'Somebody has activated something else since, or rolled back',
  'plan-changed': 'The activation would change something else than what was planned',
  refused: 'The host refuses the activation',
  unreadable: 'What the host keeps about it cannot be read',
  unknown: 'The host could not be looked at'
} as const
export type DesiredReason = keyof typeof desiredReasons

const Window = Type.Object(
  {
    days: Type.Array(Type.Enum(days, { description: 'Day' }), { minItems: 1, uniqueItems: true }),
    from: text('HH:MM', { pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' }),
    to: text('HH:MM, up to 24:00', { pattern: '^(([01]\\d|2[0-3]):[0-5]\\d|24:00)$' }),
    timeZone: text('IANA name, such as Europe/Berlin', { minLength: 1, maxLength: 64 })
  },
  { ...closed, description: 'Open on these days from a time to a time' }
)

const revision = (description: string) =>
  Type.Integer({ minimum: 1, maximum: 999_999_999_999_999, description })

/** What is asked for and kept, without what came with it. */
const wanted = {
  profile: Type.Literal('system', { description: 'Name of the profile' }),
  storePath: Type.Unsafe<string>({ ...StorePath, description: 'The generation that is to run' }),
  revision: revision('Grows with every change; a host never goes back to a smaller one'),
  confirm: ConfirmPolicy,
  mode: Type.Optional(
    Type.Enum(activationModes, { description: 'How it comes to run, as in an operation; switch' })
  ),
  windows: Type.Optional(
    Type.Array(Window, {
      maxItems: 50,
      description: 'Windows that must be open besides those of the host; none is always'
    })
  ),
  planHash: Type.Optional(
    text('Hash of the plan that was read: the host refuses to change anything else', {
      pattern: '^[0-9a-f]{64}$'
    })
  ),
  again: Type.Optional(
    Type.Boolean({ description: 'Also a generation that was rolled back under an earlier revision' })
  ),
  reason: Type.Optional(text('Why, for the journal', { maxLength: 500 }))
}

export const DesiredRequest = Type.Object(
  {
    ...wanted,
    approval: Type.Optional(
      text('A signed approval, taken in with it', { minLength: 1, maxLength: MAX_APPROVAL })
    )
  },
  { $id: 'DesiredRequest', ...closed, description: 'What this host is to run; it goes there by itself' }
)
export type DesiredRequest = Static<typeof DesiredRequest>

export const Desired = Type.Object(
  {
    ...wanted,
    receivedAt: text('When it was taken in, RFC 3339'),
    principal: text('Who asked'),
    withdrawn: Nullable(
      Type.Object(
        {
          at: text('RFC 3339'),
          principal: text('Who took it back'),
          reason: text('Why')
        },
        closed
      )
    )
  },
  { $id: 'Desired', ...closed, description: 'The desired state as it is kept' }
)
export type Desired = Static<typeof Desired>

export const DesiredPending = Type.Object(
  {
    code: Type.Enum(Object.keys(desiredReasons) as DesiredReason[], { description: 'Closed code' }),
    since: text('Since when it is this one, RFC 3339'),
    text: text('What was found'),
    unblock: text('What would change it'),
    operation: Nullable(text('Operation that it is about'))
  },
  { $id: 'DesiredPending', ...closed, description: 'Why the host does not run it yet' }
)
export type DesiredPending = Static<typeof DesiredPending>

export const DesiredState = Type.Object(
  {
    desired: Nullable(Type.Unsafe<Desired>(Type.Ref('Desired'))),
    is: Type.Enum(['none', 'withdrawn', 'reached', 'pending'], {
      description: 'none: never said. reached: profile, running system and boot default are it'
    }),
    reachedAt: Nullable(text('When it was first reached under this revision, RFC 3339')),
    pending: Nullable(Type.Unsafe<DesiredPending>(Type.Ref('DesiredPending')))
  },
  { $id: 'DesiredState', ...closed, description: 'The desired state, and what the host does about it' }
)
export type DesiredState = Static<typeof DesiredState>

export const WithdrawRequest = Type.Object(
  {
    revision: revision('The revision that is taken back: it must be the one that is kept'),
    reason: text('Why', { minLength: 1, maxLength: 500 })
  },
  { $id: 'WithdrawRequest', ...closed, description: 'Takes the desired state back; what runs stays' }
)
export type WithdrawRequest = Static<typeof WithdrawRequest>
