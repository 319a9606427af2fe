import type { Static } from 'typebox'
import { Type } from 'typebox'
import { checkResults, HourOfCheck, Incident, severities } from '../verdict/evidence.ts'
import { Nullable, ref, StorePath } from './schemas.ts'

const closed = { additionalProperties: false } as const
const at = (description: string) => Type.String({ description: `${description}, RFC 3339` })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const number = (description: string) => Type.Number({ minimum: 0, description })

export const HistorySample = Type.Object(
  {
    at: at('When the check ended'),
    result: Type.Enum(checkResults, { description: 'What it found' }),
    value: Nullable(Type.Number({ description: 'In the unit of the check' })),
    durationMs: number('How long it took, in milliseconds'),
    message: Type.String({ description: 'What it had to say; not kept of what passed' })
  },
  { $id: 'HistorySample', ...closed, description: 'One result of a check' }
)
export type HistorySample = Static<typeof HistorySample>

export const HistoryPage = Type.Object(
  {
    check: Type.String({ description: 'Name of the check' }),
    samples: Type.Array(ref(HistorySample), { description: 'With resolution raw, oldest first' }),
    hours: Type.Array(ref(HourOfCheck), { description: 'With resolution hour, oldest first' }),
    next: Nullable(at('Where the next page begins: its `from`; null on the last'))
  },
  { $id: 'HistoryPage', ...closed, description: 'A part of the history of one check' }
)
export type HistoryPage = Static<typeof HistoryPage>

export const HistoryFile = Type.Object(
  {
    bytes: count('Bytes in use, as of the last write'),
    waiting: count('Samples in memory that are not yet written'),
    dropped: count('Samples given up since the agent started, because the disk did not take them'),
    begunAnew: count('How often since the agent started it could not be read and was begun empty'),
    aside: Nullable(Type.String({ description: 'Where the last history that could not be read is' })),
    writable: Type.Boolean({ description: 'The last write succeeded' })
  },
  { ...closed, description: 'State of the history itself' }
)

export const Soak = Type.Object(
  {
    id: Type.String({ description: 'Identity of the soak; sorts by time' }),
    storePath: StorePath,
    generation: Nullable(Type.Integer({ description: 'Generation number, where it has one' })),
    cause: Type.Enum(['committed', 'rolled-back', 'switched', 'found'], {
      description:
        'How the generation came to run: by an operation, by a rollback, past the agent, or it ran when the agent came'
    }),
    startedAt: at('When it began'),
    day: count('Day of the soak by its clock, from 1'),
    onSeconds: number('What the soak clock shows: seconds for which the host was on'),
    availableSeconds: number('Part of it with the agent up and no critical check failing'),
    expectedSamples: count('Samples that the schedule asked for'),
    receivedSamples: count('Samples that came'),
    coverage: Nullable(Type.Number({ description: 'Received by expected; null while none is expected' })),
    reboots: count('Reboots'),
    unexpectedReboots: count('Reboots that nobody asked for'),
    agentRestarts: count('Starts of the agent other than by reboots'),
    openIncidents: Type.Object(
      Object.fromEntries(severities.map((each) => [each, count(`Open incidents, ${each}`)])) as Record<
        (typeof severities)[number],
        ReturnType<typeof count>
      >,
      closed
    ),
    baselineShortcoming: Nullable(
      Type.String({ description: 'What the baseline does not tell; null where there is enough' })
    ),
    damage: Nullable(Type.String({ description: 'Where the ledger was damaged; null where it is whole' })),
    history: HistoryFile
  },
  { $id: 'Soak', ...closed, description: 'The soak of the running generation in brief' }
)
export type Soak = Static<typeof Soak>

export const BaselineView = Type.Object(
  {
    id: Type.String({ description: 'Identity; sorts by time' }),
    takenAt: at('When it was taken'),
    storePath: StorePath,
    operation: Nullable(Type.String({ description: 'The operation before which it was taken' })),
    takenBy: Type.String({ description: 'Who asked for it' }),
    failedUnits: Type.Array(Type.String(), { description: 'Units that had failed' }),
    failing: Type.Array(Type.String(), { description: 'Checks that failed' }),
    from: at('Beginning of the history that belongs to it'),
    to: at('End of the history that belongs to it'),
    hours: count('Hours of it with samples'),
    bootSeconds: Nullable(number('Time in which systemd brought user space up, in seconds')),
    activationSeconds: Nullable(number('Time that the activation of the system took, in seconds')),
    shortcoming: Nullable(Type.String({ description: 'What it does not tell; null where there is enough' }))
  },
  { $id: 'Baseline', ...closed, description: 'A host before an activation' }
)
export type BaselineView = Static<typeof BaselineView>

export const IncidentRequest = Type.Object(
  {
    severity: Type.Enum(severities, { description: 'How bad it is' }),
    description: Type.String({ minLength: 1, maxLength: 2000, description: 'What happened' }),
    workaround: Type.Optional(Type.String({ maxLength: 2000, description: 'How to live with it' }))
  },
  { $id: 'IncidentRequest', ...closed, description: 'Opens an incident of the running generation' }
)
export type IncidentRequest = Static<typeof IncidentRequest>

export const IncidentChange = Type.Object(
  {
    status: Type.Optional(Type.Enum(['open', 'resolved'], { description: 'Whether it is over' })),
    workaround: Type.Optional(
      Nullable(Type.String({ maxLength: 2000, description: 'How to live with it; null for none' }))
    )
  },
  { $id: 'IncidentChange', ...closed, minProperties: 1, description: 'What is to change of an incident' }
)
export type IncidentChange = Static<typeof IncidentChange>

export const RebootNotice = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 500, description: 'Why the host will be rebooted' }) },
  { $id: 'RebootNotice', ...closed, description: 'The next reboot within a day is wanted' }
)
export type RebootNotice = Static<typeof RebootNotice>

export const soakSchemas = [
  HourOfCheck,
  Incident,
  HistorySample,
  HistoryPage,
  Soak,
  BaselineView,
  IncidentRequest,
  IncidentChange,
  RebootNotice
]
