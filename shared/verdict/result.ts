import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Nullable, StorePath } from '../api/schemas.ts'

const closed = { additionalProperties: false } as const
const text = (description: string) => Type.String({ description })
const number = (description: string) => Nullable(Type.Number({ description }))

/** What a criterion may come to. `error`: the evidence contradicts itself, so nothing may be concluded from it. */
export const outcomes = ['pass', 'fail', 'inconclusive', 'error'] as const
export type Outcome = (typeof outcomes)[number]

/** What a soak may come to, best first. */
export const verdicts = ['GO', 'CONDITIONAL GO', 'INSUFFICIENT EVIDENCE', 'NO-GO'] as const
export type VerdictWord = (typeof verdicts)[number]

export const Waiver = Type.Object(
  {
    criterion: text('Name of the criterion that need not be met'),
    by: text('The person who says so'),
    at: text('When, RFC 3339'),
    reason: text('Why'),
    expires: Nullable(text('Until when, RFC 3339; null for the rest of this soak'))
  },
  { ...closed, description: 'A criterion that a person gave up, in writing' }
)
export type Waiver = Static<typeof Waiver>

export const Statistic = Type.Object(
  {
    series: Type.Enum(['median', 'p95', 'mean'], { description: 'What is compared of each hour' }),
    window: Type.Enum(['whole', 'recent'], { description: 'The whole soak, or its last 24 hours' }),
    outcome: Type.Enum(['pass', 'fail', 'inconclusive'], { description: 'What it says by itself' }),
    baselineHours: Type.Integer({ description: 'Hours of the baseline' }),
    soakHours: Type.Integer({ description: 'Hours of the soak' }),
    ratio: number('Level of the soak over that of the baseline'),
    lower: number('Lower bound of the ratio, corrected for all questions of a soak'),
    upper: number('Upper bound of the ratio, one-sided, 95 %')
  },
  { ...closed, description: 'One comparison with the baseline' }
)
export type Statistic = Static<typeof Statistic>

export const Criterion = Type.Object(
  {
    name: text('Name, by which it can be waived'),
    check: Nullable(text('The check that it is about')),
    outcome: Type.Enum(outcomes, { description: 'What it came to' }),
    observed: text('What was seen'),
    threshold: text('What was asked for'),
    window: text('The time looked at'),
    evidence: text('Where this comes from, or why nothing can be said'),
    statistics: Type.Array(Statistic, { description: 'The comparisons behind it' }),
    waiver: Nullable(Waiver)
  },
  { ...closed, description: 'One criterion' }
)
export type Criterion = Static<typeof Criterion>

export const Verdict = Type.Object(
  {
    host: text('Host name'),
    storePath: StorePath,
    generation: Nullable(Type.Integer({ description: 'Generation number' })),
    verdict: Type.Enum(verdicts, { description: 'The verdict' }),
    because: Type.Array(Type.String(), { description: 'What decides it, most important first' }),
    day: Type.Integer({ description: 'Day on the soak clock, from 1' }),
    plannedDays: Type.Integer({ description: 'Days planned, extensions included' }),
    requiredDays: Type.Integer({ description: 'Days before there is a verdict, extensions included' }),
    startedAt: text('Beginning of the soak, RFC 3339'),
    asOf: text('When the evidence was put together, RFC 3339'),
    judgedAt: text('When this was judged, RFC 3339'),
    criteria: Type.Array(Criterion, { description: 'Every criterion' })
  },
  { $id: 'Verdict', ...closed, description: 'The verdict on one generation of one host' }
)
export type Verdict = Static<typeof Verdict>

/** A criterion before anybody could waive it. */
export type Judged = Omit<Criterion, 'waiver'>
