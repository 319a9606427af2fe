import type { Static, TSchema } from 'typebox'
import { BelayError } from '../../shared/errors.ts'
import { problemsOf } from './problems.ts'

/** The value, when it has the shape; throws `invalid-inventory` with every place where it has not. */
export function checked<S extends TSchema>(schema: S, value: unknown, where: string): Static<S> {
  const problems = problemsOf(schema, value)
  const [first] = problems
  if (first === undefined) return value as Static<S>
  const lines = problems.slice(0, 10).map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`)
  throw new BelayError('invalid-inventory', lines.join('\n'), {
    found: first.found,
    wanted: first.wanted,
    at: [where, ...first.path].join('.')
  })
}
