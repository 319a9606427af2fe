import type { Static, TSchema } from 'typebox'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { checkNamePattern } from '../../shared/api/checks.ts'
import { BelayError } from '../../shared/errors.ts'
import { severities } from '../../shared/verdict/evidence.ts'
import { cronProblem, isTimeZone } from '../health/cron.ts'
import type { KindName } from '../health/kinds/kinds.ts'
import { kinds } from '../health/kinds/kinds.ts'

/** More would make too many series, and one host has not so much to say. */
export const MAX_CHECKS = 100

/** The setting `checks`. Each check is judged by {@link parseChecks}, since its keys depend on its kind. */
export const Checks = Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()], {
  description: 'Checks by name, see docs/checks.md; null is the default set',
  default: null
})

/** What all kinds have in common. */
const common = {
  schedule: Type.String({
    description: 'When it runs: minute hour day month weekday',
    default: '*/5 * * * *'
  }),
  timeZone: Type.String({ description: 'Time zone of the schedule', default: 'UTC' }),
  jitterSeconds: Type.Integer({
    minimum: 0,
    maximum: 3600,
    description: 'It begins up to so much later, at random',
    default: 0
  }),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 300,
    description: 'It is ended after so long',
    default: 30
  }),
  severity: Type.Enum(severities, { description: 'How bad it is when it fails', default: 'major' }),
  forSeconds: Type.Integer({
    minimum: 0,
    maximum: 604_800,
    description: 'It counts as failing when it has failed for so long',
    default: 0
  }),
  votes: Type.Union([Type.Boolean(), Type.Null()], {
    description: 'A new failure after an activation rolls it back; null is yes for what is critical',
    default: null
  }),
  mustKnow: Type.Boolean({
    description: 'After an activation `unknown` counts as a failure',
    default: false
  })
}

const Common = Type.Object(common)
export type Common = Static<typeof Common>

/** One check as it is configured, with every default filled in. */
export interface CheckSetting extends Omit<Common, 'votes'> {
  readonly name: string
  readonly kind: KindName
  readonly votes: boolean
  /** What the kind itself wants. */
  readonly options: unknown
}

/** What is looked at where the configuration names no checks: nothing that costs anything one would notice. */
export function defaultChecks(places: { readonly stateDirectory: string; readonly bootDirectory: string }) {
  const { stateDirectory, bootDirectory } = places
  const disk = (path: string, more: object = {}) => ({ kind: 'disk', path, forSeconds: 600, ...more })
  return {
    'failed-units': { kind: 'failed-units' },
    'store-bytes': disk('/nix/store'),
    'store-inodes': disk('/nix/store', { of: 'inodes' }),
    'boot-bytes': disk(bootDirectory),
    'state-bytes': disk(stateDirectory, { minFree: 1_048_576 }),
    'state-inodes': disk(stateDirectory, { of: 'inodes' }),
    memory: { kind: 'memory', severity: 'minor', forSeconds: 900 },
    load: { kind: 'load', severity: 'minor', forSeconds: 900 },
    // As long as an activation with its confirmation may well take.
    drift: { kind: 'drift', forSeconds: 3600 },
    'unexpected-reboot': { kind: 'unexpected-reboot', schedule: '7 * * * *' },
    'time-sync': { kind: 'time-sync', schedule: '11 * * * *', severity: 'minor', forSeconds: 7200 },
    'log-errors': { kind: 'log-errors', severity: 'minor' }
  }
}

type Places = Parameters<typeof defaultChecks>[0]

/** The checks of a configuration. Throws `invalid-config` naming key, value and what was wanted. */
export function parseChecks(input: Static<typeof Checks>, places: Places): readonly CheckSetting[] {
  const named = Object.entries(input ?? defaultChecks(places))
  if (named.length > MAX_CHECKS) throw problem('checks', named.length, `at most ${MAX_CHECKS} checks`)
  return named.map(([name, check]) => parseCheck(name, check))
}

function parseCheck(name: string, input: unknown): CheckSetting {
  const at = `checks.${name}`
  if (!new RegExp(checkNamePattern).test(name)) {
    throw problem('checks', name, 'a name of a-z, 0-9 and -, at most 63 long')
  }
  const { kind: kindName, ...rest } = (typeof input === 'object' && input !== null ? input : {}) as {
    kind?: unknown
  }
  if (typeof kindName !== 'string' || !Object.hasOwn(kinds, kindName)) {
    throw problem(`${at}.kind`, kindName, `one of ${Object.keys(kinds).join(', ')}`)
  }
  const kind = kinds[kindName as KindName]
  const schema = Type.Object({ ...common, ...kind.options }, { additionalProperties: false })
  const filled = Value.Default(schema, structuredClone(rest))
  if (!Value.Check(schema, filled)) throw schemaProblem(schema, filled, at)
  const {
    schedule,
    timeZone,
    jitterSeconds,
    timeoutSeconds,
    severity,
    forSeconds,
    votes,
    mustKnow,
    ...options
  } = filled
  const wrong = cronProblem(schedule)
  if (wrong !== null) throw problem(`${at}.schedule`, schedule, wrong)
  if (!isTimeZone(timeZone))
    throw problem(`${at}.timeZone`, timeZone, 'a time zone, such as UTC or Europe/Berlin')
  if (votes === true && !kind.mayVote) {
    throw problem(`${at}.votes`, true, 'false: an activation under way changes this by itself')
  }
  const own = kind.problem(options)
  if (own !== null) throw problem(at, input, own)
  const general = { schedule, timeZone, jitterSeconds, timeoutSeconds, severity, forSeconds, mustKnow }
  const voting = votes ?? (severity === 'critical' && kind.mayVote)
  return { name, kind: kindName as KindName, ...general, votes: voting, options }
}

function schemaProblem(schema: TSchema, filled: unknown, at: string): BelayError {
  // An unknown key is reported twice, see settings.ts; a choice is reported after each thing it could have been.
  const errors = Value.Errors(schema, filled)
  const first = errors.find(({ keyword }) => keyword === 'boolean') ?? errors[0]
  const steps = first?.instancePath.split('/').filter(Boolean) ?? []
  const found = steps.reduce<unknown>(
    (value, step) => (value as Record<string, unknown> | null)?.[step],
    filled
  )
  const wanted = first?.keyword === 'boolean' ? 'no such key' : (first?.message ?? 'a valid check')
  return problem([at, ...steps].join('.'), found, wanted)
}

function problem(at: string, found: unknown, wanted: string): BelayError {
  const shown = JSON.stringify(found)?.slice(0, 200)
  return new BelayError('invalid-config', `${at}: found ${shown}, wanted: ${wanted}`, { found, wanted, at })
}
