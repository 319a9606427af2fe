import type { TSchema } from 'typebox'
import { Type } from 'typebox'
import type { Validator } from 'typebox/compile'
import { Compile } from 'typebox/compile'
import { Approval } from '../../shared/api/approval.ts'
import { CheckState } from '../../shared/api/checks.ts'
import { HostState } from '../../shared/api/controller.ts'
import { Hold, HoldState } from '../../shared/api/hold.ts'
import { HomeState } from '../../shared/api/home.ts'
import { Plan } from '../../shared/api/plan.ts'
import { Preflight, PreflightCheck } from '../../shared/api/preflight.ts'
import { Generation, Host, Operation, ProfileState, ref, TIME } from '../../shared/api/schemas.ts'
import { Soak } from '../../shared/api/soak.ts'
import { BelayError } from '../../shared/errors.ts'
import { phases } from '../../shared/operation/phase.ts'

/** Characters of one text of a host: room for the end of a program's output, and no more. */
const LONGEST_TEXT = 65_536

/** What earlier agents do not say; whoever reads it does without. */
const later: readonly string[] = ['hold', 'drifts']

/** Fields in which a later agent may say a word that is unknown here. In others it would not be understood. */
const openWords: readonly string[] = ['kind']

const named: Readonly<Record<string, TSchema>> = Object.fromEntries(
  [
    Approval,
    CheckState,
    Generation,
    Hold,
    HomeState,
    Host,
    Operation,
    PreflightCheck,
    ProfileState,
    Soak
  ].map((schema) => [(schema as { $id?: string }).$id, schema])
)

const list = <N extends string>(name: N, schema: TSchema) => Type.Object({ [name]: Type.Array(ref(schema)) })

/** Which route answers with what. A route that is not here has a reader of its own. */
const answers: readonly { readonly route: RegExp; readonly as: () => Validator }[] = (
  [
    [/^GET \/v1\/host$/, Host],
    [/^GET \/v1\/operations$/, list('operations', Operation)],
    [/^(?:GET|POST) \/v1\/(?:operations(?:\/[^/]+(?:\/(?:confirm|reboot|cancel))?)?|rollback)$/, Operation],
    [/^GET \/v1\/profiles\/[^/]+\/generations$/, list('generations', Generation)],
    [/^GET \/v1\/profiles\/[^/]+\/preflight$/, Preflight],
    [/^POST \/v1\/profiles\/[^/]+\/preview$/, Plan],
    [/ \/v1\/(?:profiles\/[^/]+\/)?hold$/, HoldState],
    [/^GET \/v1\/checks$/, list('checks', CheckState)],
    [/^POST \/v1\/checks\/[^/]+\/run$/, CheckState],
    [/^GET \/v1\/approvals$/, list('approvals', Approval)],
    [/^(?:POST|DELETE) \/v1\/approvals(?:\/[^/]+)?$/, Approval],
    [/^GET \/v1\/soak$/, Soak]
  ] as const
).map(([route, schema]) => ({ route, as: once(schema) }))

const state = once(HostState)
const operation = Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}$' })

/** Events of an operation; others that a later agent may send are for whoever knows them. */
const events: Readonly<Record<string, () => Validator>> = {
  operation: once(
    Type.Object({
      at: Type.String({ pattern: TIME }),
      operation,
      seq: Type.Integer({ minimum: 0 }),
      phase: Type.Enum(phases),
      message: Type.String()
    })
  ),
  output: once(Type.Object({ operation, line: Type.String() }))
}

/**
 * A host's answer, once it is what its route promises; throws `invalid-answer`. A host may be anybody's: what it says is
 * data of a stranger, and one of them must not get in the way of the others.
 */
export function checkedAnswer(method: string, path: string, answer: unknown): unknown {
  const asked = `${method} ${path.split('?')[0]}`
  const found = answers.find(({ route }) => route.test(asked))
  return found === undefined ? answer : checked(found.as(), answer, asked)
}

/** The same of an event that a host sends. */
export function checkedEvent(event: unknown): unknown {
  const type = (event as { type?: unknown } | null)?.type
  if (typeof type !== 'string' || !Object.hasOwn(events, type)) return event
  return checked((events[type] as () => Validator)(), event, `an event of ${type}`)
}

/** What was kept of a host; null where it makes no sense, or no more. */
export function keptState(value: unknown): HostState | null {
  return state().Check(value) ? (value as HostState) : null
}

function checked(validator: Validator, answer: unknown, asked: string): unknown {
  if (validator.Check(answer)) return answer
  const [first] = validator.Errors(answer)
  const at = first?.instancePath || '/'
  const wanted = first?.message ?? 'something else'
  throw new BelayError(
    'invalid-answer',
    `what the host says makes no sense here: ${asked}: ${at} ${wanted}`,
    {
      at,
      wanted
    }
  )
}

/** Compiled when it is first needed. */
function once(schema: TSchema): () => Validator {
  let made: Validator | undefined
  return () => {
    made ??= Compile(opened(schema))
    return made
  }
}

type Json = Readonly<Record<string, unknown>>

/** The same schema for what others say: what a later agent says besides passes, and what an earlier one does not. */
function opened(schema: TSchema): TSchema {
  const { $ref, ...rest } = schema as Json & { $ref?: string }
  if ($ref !== undefined) return opened(named[$ref] as TSchema)
  const { $id: _, additionalProperties: __, properties, required, items, anyOf, ...kept } = rest as Json
  return {
    ...kept,
    ...(kept.type === 'string' ? { maxLength: kept.maxLength ?? LONGEST_TEXT } : {}),
    ...(properties === undefined ? {} : { properties: each(properties as Record<string, TSchema>) }),
    ...(required === undefined
      ? {}
      : { required: (required as string[]).filter((name) => !later.includes(name)) }),
    ...(items === undefined ? {} : { items: opened(items as TSchema) }),
    ...(anyOf === undefined ? {} : { anyOf: (anyOf as TSchema[]).map(opened) })
  } as TSchema
}

const each = (properties: Readonly<Record<string, TSchema>>) =>
  Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      openWords.includes(name) ? Type.String({ maxLength: LONGEST_TEXT }) : opened(schema)
    ])
  )
