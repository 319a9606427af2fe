import type { Static } from 'typebox'
import { Type } from 'typebox'
import type { CheckResult } from '../verdict/evidence.ts'
import { CheckEvidence, checkResults, severities } from '../verdict/evidence.ts'
import { Nullable } from './schemas.ts'

/** What a check is called: fit for a label, a file and a command line. */
export const checkNamePattern = '^[a-z0-9][a-z0-9-]{0,62}$'

const at = (description: string) => Type.String({ description: `${description}, RFC 3339` })

export const CheckState = Type.Object(
  {
    name: Type.String({ description: 'Name of the check, unique on the host' }),
    kind: Type.String({ description: 'What it looks at; docs/checks.md has all kinds' }),
    severity: Type.Enum(severities, { description: 'How bad it is when it fails' }),
    votes: Type.Boolean({ description: 'A new failure after an activation rolls it back' }),
    result: Nullable(
      Type.Enum(checkResults, { description: 'What it found last; null before its first run' })
    ),
    value: Nullable(Type.Number({ description: 'What it measured, in its unit' })),
    unit: Nullable(Type.String({ description: 'Base unit of the value' })),
    measures: CheckEvidence.properties.measures,
    message: Type.String({ description: 'What it found, for a person' }),
    durationSeconds: Nullable(Type.Number({ description: 'How long the last run took' })),
    ranAt: Nullable(at('When it ran last')),
    since: Nullable(at('Since when its result is the same')),
    nextRunAt: Nullable(at('When it is due next, before jitter; null where nothing schedules it')),
    failing: Type.Boolean({ description: 'It has failed for at least as long as its `forSeconds` demand' }),
    flapping: Type.Boolean({ description: 'Its result keeps changing' })
  },
  { $id: 'CheckState', additionalProperties: false, description: 'A check and what it found last' }
)
export type CheckState = Static<typeof CheckState>

/** One run of one check, as it is recorded. */
export interface Sample {
  readonly check: string
  /** Wall clock at the beginning of the run, in milliseconds since the epoch. */
  readonly at: number
  readonly result: CheckResult
  readonly value: number | null
  readonly durationMs: number
  readonly message: string
}
