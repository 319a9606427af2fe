import type { Static, TSchema } from 'typebox'
import { Type } from 'typebox'
import type { ErrorCode } from '../errors.ts'
import { errorCodes } from '../errors.ts'
import type { Phase } from '../operation/phase.ts'
import { phases } from '../operation/phase.ts'
import { storePathPattern } from '../store-path.ts'
import { Drift } from './drift.ts'
import { MaybeHold } from './hold.ts'
import { HomeState } from './home.ts'
import { GenerationMark } from './mark.ts'
import { ProfileName, userPattern } from './profile.ts'

/** Roles, weakest first. A role may do all that the ones before it may. */
export const roles = ['observe', 'propose', 'operate', 'admin'] as const
export type Role = (typeof roles)[number]

const closed = { additionalProperties: false } as const
const text = (description: string, options: object = {}) => Type.String({ description, ...options })

/** As everything here writes it. */
export const TIME =
  '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?Z$'
const time = text('RFC 3339', { pattern: TIME })

export const StorePath = text('A top-level store path', { pattern: storePathPattern, maxLength: 300 })
export const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])

/** A schema with an `$id`, used by its name, so that it stands once in the API's description. */
export const ref = <S extends TSchema>(schema: S) =>
  Type.Unsafe<Static<S>>(Type.Ref((schema as { $id?: string }).$id ?? ''))

export const Generation = Type.Object(
  {
    number: Type.Integer({
      minimum: 1,
      description: 'Generation number in the profile; numbers can be reused'
    }),
    storePath: StorePath,
    createdAt: text('When the generation link was made, RFC 3339'),
    current: Type.Boolean({ description: 'The profile points to this generation' }),
    running: Type.Boolean({ description: 'This generation is the running system' }),
    knownGood: Type.Boolean({
      description: 'It was confirmed and committed, or was the baseline of an operation'
    }),
    mark: GenerationMark
  },
  { $id: 'Generation', ...closed, description: 'One generation of a profile' }
)
export type Generation = Static<typeof Generation>

export const ProfileState = Type.Object(
  {
    profile: ProfileName,
    number: Nullable(Type.Integer({ description: 'Generation that the profile points to' })),
    storePath: Nullable(StorePath),
    running: Nullable(StorePath),
    booted: Nullable(StorePath),
    bootDefault: Nullable(StorePath),
    drift: Type.Boolean({ description: 'True when there is any drift' }),
    drifts: Type.Array(Drift, { description: 'What has drifted, and from what' }),
    home: Type.Optional(ref(HomeState))
  },
  { $id: 'ProfileState', ...closed, description: 'What is chosen, what runs, what booted, what boots next' }
)
export type ProfileState = Static<typeof ProfileState>

export const Host = Type.Object(
  {
    name: text('Host name'),
    platform: Type.Enum(['nixos', 'darwin'], { description: 'Kind of system' }),
    system: text('Nix system, such as x86_64-linux'),
    bootId: text('Identity of this boot'),
    agentVersion: text('Version of the agent that answers'),
    hold: MaybeHold,
    profiles: Type.Array(ref(ProfileState))
  },
  { $id: 'Host', ...closed, description: 'The identity of this host and the state of its profiles' }
)
export type Host = Static<typeof Host>

export const ConfirmPolicy = Type.Object(
  {
    by: Type.Enum(['connection', 'health'], {
      description:
        'connection: a person or controller confirms over a connection opened after the activation. health: local verification is enough'
    }),
    windowSeconds: Type.Integer({
      minimum: 5,
      maximum: 86_400,
      description: 'How long to wait for the confirmation before rolling back'
    })
  },
  { ...closed, description: 'What turns an activated generation into a committed one' }
)
export type ConfirmPolicy = Static<typeof ConfirmPolicy>

/** How a generation comes to run. */
export const activationModes = ['switch', 'boot', 'auto'] as const
export type ActivationMode = (typeof activationModes)[number]

export const HomeRequest = Type.Object(
  {
    user: text('Whose home it is', { pattern: `^${userPattern}$` }),
    storePath: text('Store path of its generation', { maxLength: 1024 }),
    planHash: Type.Optional(
      text('Hash of the plan of this home that was read: nothing else is changed', {
        pattern: '^[0-9a-f]{64}$'
      })
    )
  },
  { ...closed, description: 'A home that moves with the system' }
)

export const OperationRequest = Type.Object(
  {
    profile: Type.Optional(ProfileName),
    storePath: text('Store path of the generation to activate', { maxLength: 1024 }),
    homes: Type.Optional(
      Type.Array(HomeRequest, {
        maxItems: 50,
        description:
          'With the system alone: homes that move with it, in this one operation. All are proved, confirmed and committed together, or all go back'
      })
    ),
    mode: Type.Optional(
      Type.Enum(activationModes, {
        description:
          'switch (default): activate at once. boot: boot it once, on trial, and confirm it then. auto: boot where only a reboot brings a part of it, otherwise switch'
      })
    ),
    confirm: Type.Optional(ConfirmPolicy),
    revision: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: 'Revision of the desired state that this belongs to; an approval may be for one alone'
      })
    ),
    planHash: Type.Optional(
      text('Hash of the plan that was read: the host refuses to change anything else', {
        pattern: '^[0-9a-f]{64}$'
      })
    ),
    reason: Type.Optional(text('Why, for the journal', { maxLength: 500 })),
    again: Type.Optional(Type.Boolean({ description: 'Also a generation that is marked bad' })),
    overDrift: Type.Optional(
      Type.Boolean({ description: 'Also over a system or profile that somebody else has put there' })
    ),
    outsideWindow: Type.Optional(
      Type.Boolean({ description: 'A person wants it outside the maintenance windows too; journaled' })
    )
  },
  { $id: 'OperationRequest', ...closed, description: 'Activate a generation: prove, then commit' }
)
export type OperationRequest = Static<typeof OperationRequest>

export const RollbackRequest = Type.Object(
  {
    generation: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Generation number to go to; default is the last known good one'
      })
    ),
    profile: Type.Optional(ProfileName),
    reason: Type.Optional(text('Why, for the journal', { maxLength: 500 }))
  },
  { $id: 'RollbackRequest', ...closed, description: 'Emergency rollback; needs no network' }
)
export type RollbackRequest = Static<typeof RollbackRequest>

export const ConfirmRequest = Type.Object(
  {
    nonce: Type.Optional(
      text("The operation's nonce, read over a connection opened after the activation", { maxLength: 128 })
    ),
    sessionStartedMonotonicMs: Type.Optional(
      Type.Number({
        description:
          "When the login session behind the caller began, in milliseconds of the host's CLOCK_MONOTONIC: a session that was open before the activation proves nothing either"
      })
    )
  },
  { $id: 'ConfirmRequest', ...closed, description: 'Confirms the operation' }
)
export type ConfirmRequest = Static<typeof ConfirmRequest>

export const GenerationRef = Type.Object(
  { number: Nullable(Type.Integer()), storePath: StorePath },
  { ...closed, description: 'A generation by number and store path' }
)
export type GenerationRef = Static<typeof GenerationRef>

export const OperationHome = Type.Object(
  { user: text('Whose home it is'), candidate: StorePath, baseline: Nullable(GenerationRef) },
  { ...closed, description: 'A home of an operation on the system' }
)

export const Operation = Type.Object(
  {
    id: text('Identity; sorts by time of acceptance'),
    kind: Type.Enum(['activate', 'rollback'], { description: 'What was asked for' }),
    profile: Type.Optional(ProfileName),
    phase: Type.Enum(phases, { description: 'Where the operation is; see the transition table' }),
    reason: Nullable(text('Why the operation is in this phase')),
    code: Nullable(text('Closed code behind a refusal, a rollback or a stuck operation')),
    mode: Type.Enum(['switch', 'boot'], { description: 'How the candidate comes to run' }),
    candidate: Nullable(StorePath),
    baseline: Nullable(GenerationRef),
    homes: Type.Optional(
      Type.Array(OperationHome, { description: 'Homes that move with the system in this operation' })
    ),
    principal: text('Who asked'),
    acceptedAt: time,
    updatedAt: time,
    confirm: ConfirmPolicy,
    confirmation: Nullable(
      Type.Object(
        {
          nonce: Nullable(text('Present for callers that may confirm')),
          deadline: text('RFC 3339; the host counts monotonic time, so this is an estimate')
        },
        closed
      )
    ),
    terminal: Type.Boolean({ description: 'True when nothing follows' })
  },
  { $id: 'Operation', ...closed, description: 'One operation: the fold of its journal' }
)
export type Operation = Static<typeof Operation>

export const Problem = Type.Object(
  {
    type: text('Always about:blank'),
    title: text('The code in words'),
    status: Type.Integer({ description: 'HTTP status' }),
    code: Type.Enum(Object.keys(errorCodes) as ErrorCode[], { description: 'Closed code; branch on this' }),
    detail: text('What happened, for a person'),
    request: Type.Optional(text('Identity of the request, as in the header request-id and in the log')),
    found: Type.Optional(Type.Unknown({ description: 'The value found' })),
    wanted: Type.Optional(Type.Unknown({ description: 'The value wanted' })),
    at: Type.Optional(text('Where in the input'))
  },
  { $id: 'Problem', description: 'RFC 9457 problem details' }
)
export type Problem = Static<typeof Problem>

/** One event of an operation, as sent over SSE (`event: operation` or `event: output`). */
export type OperationEvent =
  | {
      readonly type: 'operation'
      readonly at: string
      readonly operation: string
      /** What it moves; homes that move with the system go by its name. An agent of before says nothing. */
      readonly profile?: ProfileName
      readonly seq: number
      readonly phase: Phase
      readonly message: string
    }
  | { readonly type: 'output'; readonly operation: string; readonly line: string }
