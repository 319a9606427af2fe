import type { Static } from 'typebox'
import { Type } from 'typebox'
import type { ErrorCode } from '../errors.ts'
import { errorCodes } from '../errors.ts'
import { Nullable, ref, StorePath } from './schemas.ts'

const closed = { additionalProperties: false } as const
const text = (description: string, maxLength?: number) =>
  Type.String({ description, ...(maxLength === undefined ? {} : { maxLength }) })

/** Every check of preflight, in the order in which they are shown and in which the first failure is the code. */
export const checkNames = [
  'hold',
  'window',
  'candidate',
  'home',
  'user-manager',
  'agent',
  'agent-runs',
  'trust',
  'signatures',
  'secrets',
  'reboot',
  'other-activation',
  'user-session',
  'app-management',
  'baseline',
  'baseline-boot-entry',
  'baseline-secrets',
  'space-store',
  'space-boot',
  'space-state',
  'boot-writable',
  'second-way',
  'users',
  'clock'
] as const
export type CheckName = (typeof checkNames)[number]

/** `fail` keeps an activation back. `unknown`: it could not be told, which keeps back what `preflight.mustKnow` names. */
export const preflightResults = ['pass', 'warn', 'fail', 'unknown'] as const
export type PreflightResult = (typeof preflightResults)[number]

export const PreflightCheck = Type.Object(
  {
    name: Type.Enum(checkNames, { description: 'Name of the check' }),
    result: Type.Enum(preflightResults, { description: 'What it found' }),
    code: Nullable(
      Type.Enum(Object.keys(errorCodes) as ErrorCode[], { description: 'Closed code of a failure' })
    ),
    evidence: text('What was seen'),
    remedy: Nullable(text('What a person does about it'))
  },
  { $id: 'PreflightCheck', ...closed, description: 'One check of preflight' }
)
export type PreflightCheck = Static<typeof PreflightCheck>

export const Preflight = Type.Object(
  {
    storePath: StorePath,
    at: text('When it was looked at, RFC 3339'),
    ok: Type.Boolean({ description: 'Nothing keeps an activation back' }),
    checks: Type.Array(ref(PreflightCheck))
  },
  {
    $id: 'Preflight',
    ...closed,
    description: 'Whether a generation could be activated now; nothing was changed'
  }
)
export type Preflight = Static<typeof Preflight>
