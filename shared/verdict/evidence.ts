import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Nullable, StorePath } from '../api/schemas.ts'

const closed = { additionalProperties: false } as const
const at = (description: string) => Type.String({ description: `${description}, RFC 3339` })
const seconds = (description: string) =>
  Type.Number({ minimum: 0, description: `${description}, in seconds` })
const count = (description: string) => Type.Integer({ minimum: 0, description })

/** What a check may say. `unknown`: it could not tell, which is neither good nor bad. */
export const checkResults = ['pass', 'warn', 'fail', 'unknown'] as const
export type CheckResult = (typeof checkResults)[number]

/** How bad it is when a check fails, or an incident stays open. */
export const severities = ['critical', 'major', 'minor'] as const
export type Severity = (typeof severities)[number]

/** What the values of a check may be, where more of it is worse. */
export const measures = ['duration', 'rate', 'ratio', 'bytes', 'count', 'temperature'] as const
export type Measure = (typeof measures)[number]

export const HourOfCheck = Type.Object(
  {
    hour: at('Beginning of the hour'),
    pass: count('Samples that passed'),
    warn: count('Samples that warned'),
    fail: count('Samples that failed'),
    unknown: count('Samples that could not tell'),
    mean: Nullable(Type.Number({ description: 'Mean of the values; null where the check gives none' })),
    median: Nullable(Type.Number({ description: 'Median of the values' })),
    p95: Nullable(Type.Number({ description: '95th percentile of the values' })),
    max: Nullable(Type.Number({ description: 'Greatest value' }))
  },
  { $id: 'HourOfCheck', ...closed, description: 'All samples of one check in one hour (UTC)' }
)
export type HourOfCheck = Static<typeof HourOfCheck>

export const CheckEvidence = Type.Object(
  {
    name: Type.String({ description: 'Name of the check, unique on the host' }),
    severity: Type.Enum(severities, { description: 'How bad it is when it fails' }),
    measures: Nullable(
      Type.Enum(measures, {
        description:
          'What its values are, where more is worse and where they are to be compared with the baseline; null for a plain yes or no'
      })
    ),
    unit: Nullable(Type.String({ description: 'Base unit of the values, such as seconds' })),
    failedInBaseline: Type.Boolean({
      description: 'It failed already when the baseline was taken, so a failure is not new'
    }),
    baseline: Type.Array(HourOfCheck, { description: 'Before the activation, oldest first' }),
    soak: Type.Array(HourOfCheck, { description: 'Since the activation, oldest first' }),
    failingSince: Nullable(
      at('Since when it fails for as long as its `forSeconds` demand; null while it does not')
    )
  },
  { $id: 'CheckEvidence', ...closed, description: 'What one check found before and since' }
)
export type CheckEvidence = Static<typeof CheckEvidence>

export const Gap = Type.Object(
  {
    from: at('First moment without the agent'),
    to: at('When it was back'),
    cause: Type.Enum(['off', 'asleep', 'agent-stopped'], {
      description: 'off and asleep stop the soak clock; a stopped agent does not, and costs coverage'
    })
  },
  { $id: 'Gap', ...closed, description: 'A time in which nothing was measured' }
)
export type Gap = Static<typeof Gap>

export const Reboot = Type.Object(
  {
    at: at('When the host was up again'),
    bootId: Type.String({ description: 'Identity of the boot that began' }),
    expected: Type.Boolean({ description: 'An operator or an approved change asked for it' }),
    cause: Type.String({ description: 'Who asked, or what is known' })
  },
  { $id: 'Reboot', ...closed, description: 'A reboot; sleep is none' }
)
export type Reboot = Static<typeof Reboot>

export const Incident = Type.Object(
  {
    id: Type.String({ description: 'Identity on this host' }),
    openedAt: at('When it was opened'),
    openedBy: Type.String({ description: 'A rule, or a principal' }),
    severity: Type.Enum(severities, { description: 'How bad it is' }),
    description: Type.String({ maxLength: 2000, description: 'What happened' }),
    status: Type.Enum(['open', 'resolved'], { description: 'Whether it is over' }),
    resolvedAt: Nullable(at('When it was resolved')),
    workaround: Nullable(Type.String({ maxLength: 2000, description: 'How to live with it' }))
  },
  { $id: 'Incident', ...closed, description: 'An entry of the issues log' }
)
export type Incident = Static<typeof Incident>

export const Evidence = Type.Object(
  {
    host: Type.String({ description: 'Host name' }),
    profile: Type.Literal('system', { description: 'Name of the profile' }),
    storePath: StorePath,
    generation: Nullable(Type.Integer({ description: 'Generation number, where it has one' })),
    baselinePath: Nullable(StorePath),
    startedAt: at('When the soak began: the commit of the generation'),
    endedAt: Nullable(at('When another generation took over; null while it runs')),
    asOf: at('When this was put together'),
    onSeconds: seconds('Time that the host was on since the start: what the soak clock shows'),
    availableSeconds: seconds(
      'Part of it in which the host was available: agent up, no critical check failing'
    ),
    expectedSamples: count('Samples that the schedule asked for while the host was on'),
    receivedSamples: count('Samples that there are'),
    gaps: Type.Array(Gap, { description: 'Times without measurements, oldest first' }),
    reboots: Type.Array(Reboot, { description: 'Reboots since the start, oldest first' }),
    agentRestarts: count('Starts of the agent since the start, other than by reboots'),
    rollbacks: count('Rollbacks away from this generation'),
    manualSwitches: count('Switches past the agent'),
    incidents: Type.Array(Incident, { description: 'The issues log, oldest first' }),
    checks: Type.Array(CheckEvidence, { description: 'Every check' }),
    untold: Type.Optional(
      Type.Array(
        Type.Object(
          {
            criterion: Type.String({ description: 'Name of the criterion' }),
            reason: Type.String({ description: 'Why nothing can be said' })
          },
          closed
        ),
        {
          description:
            'Criteria about which the source of this evidence cannot tell; they are inconclusive. An agent has none'
        }
      )
    )
  },
  { $id: 'Evidence', ...closed, description: 'All that a verdict on one generation of one host is made from' }
)
export type Evidence = Static<typeof Evidence>
