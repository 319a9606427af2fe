import type { Static, TSchema } from 'typebox'
import { Type } from 'typebox'

/** What is known of a generation. */
export const markStates = ['unproven', 'good', 'bad'] as const
export type MarkState = (typeof markStates)[number]

const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
const text = (description: string) => nullable(Type.String({ description }))

export const GenerationMark = Type.Object(
  {
    state: Type.Enum(markStates, {
      description:
        'good: committed, or the baseline of an operation. bad: its activation was rolled back. unproven: neither'
    }),
    reason: text('Why it is bad'),
    code: text('Closed code behind the rollback'),
    at: text('When it was marked, RFC 3339'),
    operation: text('Identity of the operation that marked it')
  },
  { additionalProperties: false, description: 'Mark of a generation, found by its store path' }
)
export type GenerationMark = Static<typeof GenerationMark>

/** The mark of what no operation has tried. */
export const unproven: GenerationMark = {
  state: 'unproven',
  reason: null,
  code: null,
  at: null,
  operation: null
}
