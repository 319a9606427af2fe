import type { Static } from 'typebox'
import { Type } from 'typebox'
import type { Question } from '../health/kinds/kind.ts'

/** Who may read metrics: somebody whose certificate has one of these names, a role of `belay pki`, or anybody let in. */
export type Readers = { readonly names: readonly string[] } | 'roles' | 'anybody'

/** The listener for Prometheus, as the agent wants it, with what is in its files: the half reads none of them. */
export interface ListenerOrder {
  readonly address: string
  readonly port: number
  readonly clients: 'none' | 'optional' | 'required'
  readonly readers: Readers
  readonly certificate: string
  readonly key: string
  readonly authorities: string | null
  readonly revocations: string | null
}

/** What the agent says to the network half, one record a line. */
export type Told =
  | ({ readonly type: 'check'; readonly id: number } & Question)
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'listen'; readonly id: number; readonly order: ListenerOrder }
  /** The metrics that were asked for; null where there are none now. */
  | { readonly type: 'metrics'; readonly text: string | null }

const id = Type.Integer({ minimum: 1 })
/** Milliseconds since 1970; authorities that began before that are about. */
const time = Type.Number()
const closed = { additionalProperties: false }

const Expiry = Type.Object(
  {
    what: Type.Enum(['server', 'client-authority', 'revocation-list']),
    from: time,
    until: time
  },
  closed
)

/** What came of an order: what of the listener expires, and why it is not as it was ordered. */
export const Listening = Type.Object(
  {
    type: Type.Literal('listening'),
    id,
    expiries: Type.Array(Expiry, { maxItems: 3 }),
    problem: Type.Union([Type.String({ maxLength: 1000 }), Type.Null()])
  },
  closed
)

const Found = Type.Object(
  {
    type: Type.Literal('finding'),
    id,
    result: Type.Enum(['pass', 'warn', 'fail', 'unknown']),
    value: Type.Union([Type.Number(), Type.Null()]),
    message: Type.String({ maxLength: 2000 })
  },
  closed
)

/** Somebody who may asks for metrics. */
const Scrape = Type.Object(
  { type: Type.Literal('scrape'), connections: Type.Integer({ minimum: 0, maximum: 10_000 }) },
  closed
)

/** What is to stand in the log. */
const Note = Type.Object(
  {
    type: Type.Literal('note'),
    level: Type.Enum(['info', 'warn', 'error']),
    text: Type.String({ maxLength: 200 }),
    detail: Type.String({ maxLength: 1000 })
  },
  closed
)

/** All that the network half can say. Whoever has taken it over can say this as well, and nothing else. */
export const Said = Type.Union([Found, Listening, Scrape, Note])
export type Said = Static<typeof Said>

/** A record of the network half is no longer than so many characters. */
export const MAX_SAID = 16_384
/** And it says no more than so many in a second. */
export const MAX_SAID_A_SECOND = 500
