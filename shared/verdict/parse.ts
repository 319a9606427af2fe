import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { ErrorCode } from '../errors.ts'
import { BelayError } from '../errors.ts'
import { Evidence } from './evidence.ts'
import { SoakRecord } from './record.ts'

/** Evidence from outside: a host's answer, or a file. Throws `invalid-evidence`. `from` says where it is from. */
export const parseEvidence = (value: unknown, from: string): Evidence =>
  parse(Evidence, value, from, 'invalid-evidence')

/** One line of the decisions file. Throws `invalid-decisions`. */
export const parseRecord = (value: unknown, from: string): SoakRecord =>
  parse(SoakRecord, value, from, 'invalid-decisions')

function parse<S extends TSchema>(schema: S, value: unknown, from: string, code: ErrorCode): Static<S> {
  if (Value.Check(schema, value)) return value
  const [first] = Value.Errors(schema, value)
  const at = first?.instancePath || '/'
  throw new BelayError(code, `${from}: ${at} ${first?.message ?? 'is wrong'}`, {
    at,
    wanted: first?.message
  })
}
