import type { Static } from 'typebox'
import { Type } from 'typebox'
import { closed, Duration, word } from '../inventory/words.ts'

const url = (description: string) =>
  Type.String({ description, pattern: '^https?://[^\\s]+$', maxLength: 2000 })
const file = (description: string) =>
  Type.Optional(
    Type.String({ description: `${description}; a relative path counts from the fleet file`, minLength: 1 })
  )

const common = {
  timeout: Type.Optional(Duration('How long one attempt may take. Default 10s')),
  perHour: Type.Optional(
    Type.Integer({
      description: 'Messages an hour at most; what is more is dropped and counted. Default 20',
      minimum: 1,
      maximum: 3600
    })
  )
}

export const Webhook = Type.Object(
  {
    url: url('Where the message is posted to as JSON'),
    secretFile: file('Key with which it is signed, as Standard Webhooks say'),
    tokenFile: file('Bearer token'),
    ...common
  },
  { ...closed, description: 'An HTTP endpoint of yours' }
)

export const Ntfy = Type.Object(
  {
    url: url('The ntfy server, without the topic'),
    topic: Type.String({ description: 'Topic', pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    tokenFile: file('Access token'),
    ...common
  },
  { ...closed, description: 'A topic of an ntfy server' }
)

export const NotifyCommand = Type.Object(
  {
    command: Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
      description:
        'Program with its arguments, never through a shell; the message is JSON on its standard input',
      minItems: 1,
      maxItems: 50
    }),
    ...common
  },
  { ...closed, description: 'A program of yours' }
)

const named = <S extends typeof Webhook | typeof Ntfy | typeof NotifyCommand>(
  schema: S,
  description: string
) =>
  Type.Optional(
    Type.Record(Type.String({ pattern: word }), schema, { ...closed, description, maxProperties: 50 })
  )
const to = (description: string) =>
  Type.Optional(Type.Array(Type.String({ pattern: word }), { description, uniqueItems: true, maxItems: 50 }))

/** Where messages to people go: the `notify` section of the fleet file. */
export const Notify = Type.Object(
  {
    webhooks: named(Webhook, 'HTTP endpoints by name'),
    ntfy: named(Ntfy, 'Topics of ntfy servers by name'),
    commands: named(NotifyCommand, 'Programs by name'),
    digest: to('Which of them get the digest of belay digest --deliver'),
    weekly: to('Which of them get the review of belay digest --weekly --deliver'),
    rollouts: to('Which of them hear from belay serve when a person is needed, and of verdicts')
  },
  { ...closed, description: 'Where messages to people go' }
)
export type Notify = Static<typeof Notify>
