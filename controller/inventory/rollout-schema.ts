import type { Static } from 'typebox'
import { Type } from 'typebox'
import { activationModes } from '../../shared/api/schemas.ts'
import { accessFields } from '../monitor/access-schema.ts'
import { DrillWithin, Points } from './checklist-schema.ts'
import { Window } from './window-schema.ts'
import { because, closed, Duration, hostNames, word, words } from './words.ts'

const Name = (description: string) => Type.String({ description, pattern: word })
const maxParallel = (description: string) =>
  Type.Optional(Type.Integer({ description, minimum: 1, maximum: 9999 }))

/** Which hosts: every kind of word that is given must match, each by one of its values. */
export const Selector = Type.Object(
  {
    hosts: Type.Optional(hostNames('One of these hosts')),
    roles: Type.Optional(words('A host with one of these roles')),
    tags: Type.Optional(words('A host with one of these tags')),
    platforms: Type.Optional(
      Type.Array(Type.Enum(['nixos', 'darwin']), { description: 'A host of these platforms', minItems: 1 })
    )
  },
  { ...closed, description: 'Which hosts; an empty selector is every host that no stage before it took' }
)
export type Selector = Static<typeof Selector>

export const Gate = Type.Object(
  {
    name: Name('Name of the gate'),
    command: Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
      description: 'Program with its arguments, run here and never through a shell; 0 means that it is open',
      minItems: 1,
      maxItems: 50
    }),
    timeout: Type.Optional(Duration('After which it counts as failed. Default 60s'))
  },
  { ...closed, description: 'A condition that a program of yours decides' }
)
export type Gate = Static<typeof Gate>

/** Alerts of a Prometheus. */
export const Alerts = Type.Object(
  {
    name: Name('Name, for people'),
    url: Type.String({
      description: 'Prometheus, or what speaks its API, such as http://prometheus.example:9090',
      pattern: '^https?://[^\\s@]+$',
      maxLength: 500
    }),
    ...accessFields,
    match: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]{0,99}$' }),
        Type.String({ maxLength: 300 }),
        {
          description: 'Labels that an alert must have to count, such as severity: critical; all when missing'
        }
      )
    ),
    query: Type.Optional(
      Type.String({
        description: 'PromQL in place of match: any result counts',
        minLength: 1,
        maxLength: 2000
      })
    ),
    timeout: Type.Optional(Duration('After which it counts as not answered. Default 10s'))
  },
  { ...closed, description: 'Alerts that halt the rollout while they fire; one that cannot be asked blocks' }
)
export type Alerts = Static<typeof Alerts>

const alerts = (description: string) => Type.Optional(Type.Array(Alerts, { description, maxItems: 20 }))

const gates = (description: string) => Type.Optional(Type.Array(Gate, { description, maxItems: 20 }))

export const Stage = Type.Object(
  {
    name: Name('Name of the stage'),
    select: Selector,
    maxParallel: maxParallel('Hosts of the stage that are changed at the same time. Default 1'),
    approval: Type.Optional(
      Type.Boolean({ description: 'A person approves the stage before it begins. Default false' })
    ),
    windows: Type.Optional(
      Type.Array(Window, { description: 'When hosts of the stage may be changed. Default always' })
    ),
    soak: Type.Optional(Duration('How long every host is watched before the next stage. Default 0s')),
    verdict: Type.Optional(
      Type.Enum(['go', 'conditional-go'], {
        description: 'The verdict that every host needs before the next stage. Default none'
      })
    ),
    away: Type.Optional(
      Type.Enum(['leave', 'wait'], {
        description: 'Whether the next stage waits for hosts that are away. Default leave'
      })
    ),
    gatesBefore: gates('What must be open before a host of the stage is changed'),
    gatesAfter: gates('What must be open before the next stage'),
    alerts: alerts('Alerts that halt the rollout while this stage is open'),
    require: Type.Optional(Points('Points of the checklist that every host needs before the stage begins')),
    drillWithin: DrillWithin,
    mode: Type.Optional(
      Type.Enum(activationModes, {
        description:
          'How the generation comes to run: switch, boot (on trial), or auto: boot where only a reboot brings a part of it. Default switch'
      })
    ),
    reboot: Type.Optional(
      Type.Boolean({
        description:
          'Hosts are rebooted into what is staged, as their policy allows; else each waits for its own. Default false'
      })
    )
  },
  { ...closed, description: 'One step of the order' }
)
export type Stage = Static<typeof Stage>

/** What hosts need in whichever stage they are. */
export const Requirement = Type.Object(
  {
    select: Selector,
    points: Points('Points of the checklist that every one of them needs'),
    drillWithin: DrillWithin
  },
  { ...closed, description: 'Points of the production checklist that hosts need before they are changed' }
)
export type Requirement = Static<typeof Requirement>

const Edge = Type.Object(
  {
    role: Type.Optional(Name('Hosts with this role come first …')),
    before: Type.Optional(Name('… and hosts with this role after them')),
    hosts: Type.Optional(hostNames('These hosts …')),
    after: Type.Optional(hostNames('… come after these'))
  },
  { ...closed, description: 'Either role and before, or hosts and after' }
)
export type Edge = Static<typeof Edge>

const Budget = Type.Object(
  {
    role: Type.Optional(Name('Hosts with this role')),
    tag: Type.Optional(Name('Hosts with this tag')),
    maxUnavailable: Type.Integer({
      description: 'How many of them may be under way or down at the same time',
      minimum: 1,
      maximum: 9999
    })
  },
  { ...closed, description: 'A limit across all stages, by a role or a tag' }
)

/** How a rollout goes through the fleet: the `rollout` section of the fleet file. */
export const RolloutPolicy = Type.Object(
  {
    stages: Type.Optional(
      Type.Array(Stage, { description: 'The stages in their order', minItems: 1, maxItems: 100 })
    ),
    order: Type.Optional(
      Type.Array(Edge, { description: 'What must come before what; never skipped', maxItems: 200 })
    ),
    budgets: Type.Optional(Type.Array(Budget, { description: 'Limits across all stages', maxItems: 100 })),
    maxParallel: maxParallel('Hosts that are changed at the same time. Default 8'),
    alerts: alerts('Alerts that halt the rollout, whichever stage is open'),
    require: Type.Optional(
      Type.Array(Requirement, {
        description: 'What hosts need before a rollout or a deployment changes them',
        maxItems: 100
      })
    ),
    note: Type.Optional(because('What a reader should know; becomes part of the plan'))
  },
  { ...closed, description: 'How a rollout goes through the fleet' }
)
export type RolloutPolicy = Static<typeof RolloutPolicy>
