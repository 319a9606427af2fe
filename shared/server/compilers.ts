import type { FastifySchemaCompiler, FastifySerializerCompiler, FastifyServerOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'

type Schemas = Record<string, TSchema>
type CompilersFactory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>

/** What is wrong, as Fastify and `problem.ts` know it from Ajv. */
function errorsOf(schemas: Schemas, schema: TSchema, value: unknown) {
  // A key too many is reported twice: at the object, and by the `false` schema at the key itself.
  const errors = Value.Errors(schemas, schema, value).filter(({ keyword }) => keyword !== 'boolean')
  return errors.map((error) =>
    error.keyword === 'additionalProperties'
      ? { ...error, params: { additionalProperty: error.params.additionalProperties[0] } }
      : error
  )
}

function buildValidator(schemas: Schemas): FastifySchemaCompiler<TSchema> {
  return ({ schema }) =>
    (value) =>
      Value.Check(schemas, schema, value) ? { value } : { error: errorsOf(schemas, schema, value) as never }
}

function buildSerializer(): FastifySerializerCompiler<TSchema> {
  return () => JSON.stringify
}

/**
 * Requests are checked by TypeBox, in which the schemas are written and which the configuration needs anyway; answers
 * are plain JSON. Ajv and fast-json-stringify, Fastify's own, would compile all schemas at start: 80 ms and 5 MiB for a
 * few requests a day.
 */
// Fastify's types know those two alone.
export const compilersFactory = { buildValidator, buildSerializer } as unknown as CompilersFactory
