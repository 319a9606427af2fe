import type { Static } from 'typebox'
import { Type } from 'typebox'

const closed = { additionalProperties: false } as const
const share = (description: string) => Type.Optional(Type.Number({ minimum: 0, maximum: 1, description }))
const days = (description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum: 365, description }))

const fields = {
  minimumDays: days('Days on the soak clock before there is a verdict at all. Default 7'),
  days: days('Days on the soak clock that are planned. Default 14'),
  availability: share('Share of the on-time in which the host must be available. Default 0.99'),
  coverage: share('Share of the expected samples that must be there. Default 0.95'),
  withinBaseline: Type.Optional(
    Type.Number({
      minimum: 0.01,
      maximum: 10,
      description: 'How much worse than the baseline a value may be: 0.2 is a fifth, the default'
    })
  ),
  failedShare: share(
    'How much more often than before a check may fail, as a share of its samples. Default 0.05'
  ),
  evidence: Type.Optional(
    Type.Enum(['agent', 'prometheus'], {
      description:
        'Where the evidence comes from: the agent of the host, or monitoring.prometheus. Default agent'
    })
  )
}
const reason = { minLength: 1, maxLength: 500 }

/** What the fleet file may say about the soak of all hosts. */
export const SoakDefaults = Type.Object(fields, { ...closed, description: 'How a soak is judged' })
export type SoakDefaults = Static<typeof SoakDefaults>

/** What it may say about one host: the same, and why that host differs. */
export const SoakOverride = Type.Object(
  { ...fields, reason: Type.String({ ...reason, description: 'Why this host differs' }) },
  { ...closed, description: 'How a soak is judged' }
)
export type SoakOverride = Static<typeof SoakOverride>

/** The thresholds of a verdict, all of them given. */
export interface Policy {
  readonly minimumDays: number
  readonly days: number
  readonly availability: number
  readonly coverage: number
  readonly withinBaseline: number
  readonly failedShare: number
  readonly evidence: 'agent' | 'prometheus'
  /** Why this host differs from the defaults; null where it does not. */
  readonly reason: string | null
}

/** The thresholds that people agreed on; see docs/verdict.md. */
export const defaultPolicy: Policy = {
  minimumDays: 7,
  days: 14,
  availability: 0.99,
  coverage: 0.95,
  withinBaseline: 0.2,
  failedShare: 0.05,
  evidence: 'agent',
  reason: null
}

/** The policy of one host. The plan is never shorter than the minimum. */
export function resolvePolicy(fleet: SoakDefaults = {}, host?: SoakOverride): Policy {
  const policy = { ...defaultPolicy, ...fleet, ...host }
  return { ...policy, days: Math.max(policy.days, policy.minimumDays) }
}
