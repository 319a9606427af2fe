import type { Static } from 'typebox'
import { Type } from 'typebox'
import { CheckState } from './checks.ts'
import { Host, Nullable, Operation, ref } from './schemas.ts'
import { Soak } from './soak.ts'

const closed = { additionalProperties: false } as const
const text = (description: string) => Type.String({ description })
const time = (description: string) => text(`${description}, RFC 3339`)
const count = (description: string) => Type.Integer({ minimum: 0, description })

export const HostSummary = Type.Object(
  {
    host: text('Host name'),
    answers: Nullable(Type.Boolean({ description: 'Whether it answered last; null before the first look' })),
    lookedAt: Nullable(time('When it was last looked at')),
    answeredAt: Nullable(time('When it last answered')),
    error: Nullable(text('Why it did not answer')),
    streaming: Type.Boolean({ description: 'A connection to it is open' }),
    presence: Type.Enum(['always', 'intermittent'], { description: 'intermittent: away is normal' }),
    running: Nullable(text('Store path that runs')),
    agentVersion: Nullable(text('Version of the agent')),
    drift: Nullable(Type.Boolean({ description: 'What runs is not what the profile says' })),
    held: Nullable(text('Why nothing is activated on it')),
    phase: Nullable(text('Phase of its newest operation')),
    failing: count('Checks that fail'),
    verdict: Nullable(text('The last verdict on it'))
  },
  { $id: 'HostSummary', ...closed, description: 'One host as it was last heard' }
)
export type HostSummary = Static<typeof HostSummary>

export const HostState = Type.Object(
  {
    host: ref(Host),
    operations: Type.Array(ref(Operation), { description: 'Newest first, without what confirms them' }),
    checks: Type.Array(ref(CheckState), { description: 'Every check and what it found last' }),
    soak: Nullable(ref(Soak))
  },
  { $id: 'HostState', ...closed, description: 'What a host said of itself' }
)
export type HostState = Static<typeof HostState>

export const HostDetail = Type.Object(
  { summary: ref(HostSummary), state: Nullable(ref(HostState)) },
  { $id: 'HostDetail', ...closed, description: 'All that is kept of one host' }
)
export type HostDetail = Static<typeof HostDetail>

export const HostVerdictSummary = Type.Object(
  {
    host: text('Host name'),
    at: time('When it was judged'),
    storePath: text('The generation that was judged'),
    verdict: text('GO, CONDITIONAL GO, NO-GO or INSUFFICIENT EVIDENCE'),
    because: Type.Array(Type.String(), { description: 'Why it is no plain GO' }),
    decision: Nullable(text('What a person decided: go or no-go')),
    asOf: Type.Optional(time('When its evidence was put together; missing in verdicts of before')),
    keptAt: Type.Optional(
      Nullable(time('When the controller has kept that evidence; null: the host told it for this verdict'))
    )
  },
  { $id: 'HostVerdictSummary', ...closed, description: 'The last verdict on a host' }
)
export type HostVerdictSummary = Static<typeof HostVerdictSummary>

export const KeptEvidenceView = Type.Object(
  {
    keptAt: Type.Number({ description: 'When it was kept, milliseconds since 1970' }),
    evidence: Type.Unknown({ description: 'As GET /v1/soak/evidence of the agent has it' })
  },
  { $id: 'KeptEvidence', ...closed, description: 'The last evidence of a host, for when it is away' }
)

export const HostReason = Type.Object(
  {
    code: text('Closed: why the host does not move; docs/rollouts.md has all'),
    since: time('Since when'),
    text: text('In words'),
    unblock: text('What would change it')
  },
  { $id: 'HostReason', ...closed, description: 'Why a host does not move' }
)

export const RolloutHost = Type.Object(
  {
    host: text('Host name'),
    stage: text('Its stage'),
    is: Type.Enum(['done', 'moving', 'waiting', 'regressed', 'skipped'], { description: 'Where it stands' }),
    attempt: count('Attempt, from 1'),
    reason: Nullable(ref(HostReason)),
    soakUntil: Nullable(time('Until when it is watched'))
  },
  { $id: 'RolloutHost', ...closed, description: 'One host of a rollout' }
)

export const RolloutStage = Type.Object(
  {
    name: text('Name'),
    is: Type.Enum(['passed', 'open', 'later'], { description: 'Where it stands' }),
    done: count('Hosts that run the generation'),
    total: count('Hosts'),
    because: Nullable(
      Type.Object(
        { code: text('As of a host'), text: text('In words'), unblock: text('What would change it') },
        { ...closed, description: 'What the open stage waits for' }
      )
    )
  },
  { $id: 'RolloutStage', ...closed, description: 'One stage of a rollout' }
)

export const RolloutState = Type.Object(
  {
    is: Type.Enum(['running', 'waiting', 'halted', 'paused', 'done', 'aborted', 'superseded'], {
      description: 'Where it stands'
    }),
    needs: Nullable(Type.Enum(['person', 'time', 'hosts'], { description: 'Who can change that' }))
  },
  { $id: 'RolloutState', ...closed, description: 'A rollout in brief' }
)

export const RolloutEntry = Type.Object(
  {
    id: text('Identity'),
    revision: count('Grows with every plan'),
    createdAt: time('When it was started'),
    ended: Type.Boolean({ description: 'Nothing follows' })
  },
  { $id: 'RolloutEntry', ...closed, description: 'A rollout in a list' }
)

export const RecordView = Type.Object(
  {
    seq: count('Place among the records of the rollout'),
    at: time('When'),
    who: text('Who'),
    why: Nullable(text('Why')),
    event: Type.Unknown({ description: 'What happened, by its `kind`' })
  },
  { $id: 'RolloutRecord', ...closed, description: 'What happened in a rollout, as it is kept' }
)

export const RolloutDetail = Type.Object(
  {
    id: text('Identity'),
    status: ref(RolloutState),
    stages: Type.Array(ref(RolloutStage), { description: 'In their order' }),
    hosts: Type.Array(ref(RolloutHost), { description: 'In the order of the plan' }),
    records: Type.Array(ref(RecordView), { description: 'Oldest first' }),
    driving: Type.Boolean({ description: 'This daemon is at it' }),
    problem: Nullable(text('Why nothing is decided at this moment'))
  },
  { $id: 'RolloutDetail', ...closed, description: 'A rollout as the last round left it' }
)
export type RolloutDetail = Static<typeof RolloutDetail>

const Reason = Type.Optional(
  Type.String({ minLength: 1, maxLength: 500, description: 'Why, for the records' })
)

export const StartRolloutRequest = Type.Object(
  {
    plan: Type.Optional(
      Type.Unknown({
        description: 'The plan, as `belay rollout plan --json` prints it; for the role operate'
      })
    ),
    proposal: Type.Optional(
      Type.String({ maxLength: 40, description: 'Identity of a plan that was proposed' })
    ),
    supersede: Type.Optional(
      Type.Boolean({ description: 'End the rollout under way in favour of this one' })
    ),
    reason: Reason
  },
  { $id: 'StartRolloutRequest', ...closed, description: 'Starts a rollout: of a plan, or of a proposal' }
)

export const WordRequest = Type.Object(
  {
    target: Type.Optional(Type.String({ maxLength: 200, description: 'The stage or the host' })),
    reason: Reason
  },
  { $id: 'WordRequest', ...closed, description: 'What a person says to a rollout' }
)

export const WordAnswer = Type.Object(
  {
    rollout: text('Identity of the rollout'),
    word: text('What was said'),
    targets: Type.Array(Type.String(), { description: 'Hosts or stages it is about' })
  },
  { $id: 'WordAnswer', ...closed, description: 'What was recorded' }
)

export const ProposalRequest = Type.Object(
  {
    plan: Type.Unknown({ description: 'The plan, as `belay rollout plan --json` prints it' }),
    reason: Reason
  },
  { $id: 'ProposalRequest', ...closed, description: 'Hands a plan in, to be started by a person' }
)

export const ProposalView = Type.Object(
  {
    plan: text('Identity of the plan'),
    at: time('When'),
    principal: text('Who'),
    reason: Nullable(text('Why'))
  },
  { $id: 'Proposal', ...closed, description: 'A plan that nobody has started yet' }
)

export const AuditView = Type.Object(
  {
    seq: count('Place in the audit'),
    at: time('When'),
    principal: text('Who'),
    role: text('With which role'),
    transport: text('socket, tls, or state directory for a command that wrote by itself'),
    request: Nullable(text('Identity of the request, as in the log')),
    action: text('What was decided'),
    subject: text('What about'),
    reason: Nullable(text('Why'))
  },
  { $id: 'AuditEntry', ...closed, description: 'One decision' }
)

export const RebootLockView = Type.Object(
  { host: text('Host name'), group: text('Group that its client named'), at: time('Since when') },
  { $id: 'RebootLock', ...closed, description: 'A host that may reboot' }
)

/** Schemas of the controller's API, by their names. */
export const controllerSchemas = [
  ...[
    HostSummary,
    HostState,
    HostDetail,
    HostVerdictSummary,
    KeptEvidenceView,
    HostReason,
    RolloutHost,
    RolloutStage
  ],
  ...[RolloutState, RolloutEntry, RecordView, RolloutDetail, StartRolloutRequest, WordRequest, WordAnswer],
  ...[ProposalRequest, ProposalView, AuditView, RebootLockView]
]
