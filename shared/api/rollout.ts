import type { Static } from 'typebox'
import { Type } from 'typebox'
import { days } from '../window.ts'
import { checklistPoints } from './checklist.ts'
import { activationModes, Nullable, StorePath } from './schemas.ts'

const closed = { additionalProperties: false } as const
const text = (description: string) => Type.String({ description })
const seconds = (description: string) =>
  Type.Integer({ minimum: 0, description: `${description}, in seconds` })
const count = (description: string) => Type.Integer({ minimum: 1, description })
const list = (description: string) => Type.Array(Type.String(), { description })

export const PlannedWindow = Type.Object(
  {
    days: Type.Optional(
      Type.Array(Type.Enum(days, { description: 'Day' }), {
        description: 'Days on which it opens; every day when missing'
      })
    ),
    from: text('When it opens, HH:MM'),
    to: text('When it closes, HH:MM; not later than it opens means on the next day'),
    timeZone: text('Name of the time zone')
  },
  { $id: 'PlannedWindow', ...closed, description: 'When hosts may be changed' }
)
export type PlannedWindow = Static<typeof PlannedWindow>

export const PlannedGate = Type.Object(
  {
    name: text('Name of the gate'),
    command: list('Program with its arguments; 0 means that it is open'),
    timeoutSeconds: seconds('After which it counts as failed')
  },
  { $id: 'PlannedGate', ...closed, description: 'A condition that a program decides' }
)
export type PlannedGate = Static<typeof PlannedGate>

export const PlannedAlerts = Type.Object(
  {
    name: text('Name, for people'),
    url: text('Prometheus, or what speaks its API'),
    match: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Labels of alerts that halt the stage while they fire'
      })
    ),
    query: Type.Optional(text('PromQL in place of it: any result halts the stage')),
    timeoutSeconds: seconds('After which it counts as not answered')
  },
  { $id: 'PlannedAlerts', ...closed, description: 'Alerts that halt a stage' }
)
export type PlannedAlerts = Static<typeof PlannedAlerts>

export const PlannedHome = Type.Object(
  {
    user: text('Whose home it is'),
    storePath: Type.Unsafe<string>({ ...StorePath, description: 'The generation that it is to be' }),
    planHash: Nullable(text('Hash of its plan, as the host made it; null where it was not asked'))
  },
  { $id: 'PlannedHome', ...closed, description: 'A home that moves with the system of its host' }
)
export type PlannedHome = Static<typeof PlannedHome>

export const PlannedRequirement = Type.Object(
  {
    points: Type.Array(Type.Enum(checklistPoints, { description: 'Point' }), {
      description: 'Points of the production checklist that it needs'
    }),
    drillSeconds: seconds('How old its last rollback drill may be')
  },
  { $id: 'PlannedRequirement', ...closed, description: 'Evidence without which a host is not changed' }
)
export type PlannedRequirement = Static<typeof PlannedRequirement>

export const PlannedHost = Type.Object(
  {
    name: text('Host name'),
    stage: text('Stage to which it belongs'),
    platform: Type.Enum(['nixos', 'darwin'], { description: 'Kind of system' }),
    storePath: Type.Unsafe<string>({ ...StorePath, description: 'The generation that it is to run' }),
    planHash: Nullable(
      text('Hash of its plan, as the host made it: it carries out no other; null where it was not asked')
    ),
    homes: Type.Optional(
      Type.Array(PlannedHome, { description: 'Homes that move with it, as one operation' })
    ),
    roles: list('Roles, for order and budgets'),
    tags: list('Tags, for budgets'),
    presence: Type.Enum(['always', 'intermittent'], { description: 'intermittent: away is normal' }),
    windows: Type.Array(PlannedWindow, { description: 'When it may be changed; always when empty' }),
    soakSeconds: seconds('How long it is watched before the next stage'),
    after: list('Hosts that come before it'),
    require: Type.Optional(PlannedRequirement),
    why: list('Why it stands in this stage')
  },
  { $id: 'PlannedHost', ...closed, description: 'What is to become of one host' }
)
export type PlannedHost = Static<typeof PlannedHost>

export const PlannedStage = Type.Object(
  {
    name: text('Name of the stage'),
    hosts: list('Its hosts'),
    maxParallel: count('Hosts that are changed at the same time'),
    approval: Type.Boolean({ description: 'A person approves it first' }),
    windows: Type.Array(PlannedWindow, { description: 'When its hosts may be changed' }),
    soakSeconds: seconds('How long its hosts are watched'),
    verdict: Type.Enum(['none', 'go', 'conditional-go'], { description: 'Verdict that every host needs' }),
    away: Type.Enum(['leave', 'wait'], {
      description: 'Whether the next stage waits for hosts that are away'
    }),
    gatesBefore: Type.Array(PlannedGate, { description: 'Open before a host is changed' }),
    gatesAfter: Type.Array(PlannedGate, { description: 'Open before the next stage' }),
    alerts: Type.Optional(
      Type.Array(PlannedAlerts, { description: 'Alerts that halt the stage while they fire' })
    ),
    mode: Type.Optional(
      Type.Enum(activationModes, { description: 'How the generation comes to run; switch when missing' })
    ),
    reboot: Type.Optional(
      Type.Boolean({
        description: 'Hosts are rebooted into what is staged; otherwise each waits for its own'
      })
    ),
    why: list('Why the stage stands here')
  },
  { $id: 'PlannedStage', ...closed, description: 'One step of the order' }
)
export type PlannedStage = Static<typeof PlannedStage>

export const PlannedEdge = Type.Object(
  { role: text('Hosts with this role come first'), before: text('Hosts with this role come after them') },
  { $id: 'PlannedEdge', ...closed, description: 'One role before another' }
)
export type PlannedEdge = Static<typeof PlannedEdge>

export const PlannedBudget = Type.Object(
  {
    by: Type.Enum(['role', 'tag'], { description: 'What the name is' }),
    name: text('The role or tag'),
    maxUnavailable: count('How many of its hosts may be under way or down')
  },
  { $id: 'PlannedBudget', ...closed, description: 'A limit across all stages' }
)
export type PlannedBudget = Static<typeof PlannedBudget>

export const RolloutPlan = Type.Object(
  {
    version: Type.Literal(1, { description: 'Version of this format' }),
    id: Type.String({
      description: 'Identity: r- and the beginning of the SHA-256 of all the rest',
      pattern: '^r-[0-9a-f]{12}$'
    }),
    revision: count('Grows with every plan; a host never goes back to a smaller one'),
    createdAt: text('RFC 3339'),
    note: Nullable(text('What a reader should know')),
    rollbackOf: Type.Optional(text('The rollout whose hosts go back to what they had before it')),
    maxParallel: count('Hosts that are changed at the same time'),
    stages: Type.Array(PlannedStage, { description: 'The stages in their order' }),
    hosts: Type.Array(PlannedHost, { description: 'Every host' }),
    order: Type.Array(PlannedEdge, { description: 'Roles before roles' }),
    budgets: Type.Array(PlannedBudget, { description: 'Limits across all stages' })
  },
  {
    $id: 'RolloutPlan',
    ...closed,
    description: 'An immutable plan: what every host is to run, in which order'
  }
)
export type RolloutPlan = Static<typeof RolloutPlan>
