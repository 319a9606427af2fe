import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { didYouMean } from './suggest.ts'

/** One thing wrong in a file: where, what was found, what was wanted. */
export interface FileProblem {
  readonly path: readonly string[]
  readonly message: string
  readonly found: unknown
  readonly wanted: unknown
}

type Json = Record<string, unknown>
type SchemaError = ReturnType<typeof Value.Errors>[number]

/** Everything in which the value differs from the schema, with the known words where one is misspelt. */
export function problemsOf(schema: TSchema, value: unknown): FileProblem[] {
  return [...Value.Errors(schema, value)]
    .filter((error) => error.keyword !== 'boolean' && error.keyword !== 'anyOf')
    .flatMap((error) => describe(schema, value, error))
}

function describe(schema: TSchema, value: unknown, error: SchemaError): FileProblem[] {
  const path = pointerParts(error.instancePath)
  const found = at(value, path)
  const rule = at(schema, pointerParts(error.schemaPath.slice(1))) as Json | undefined
  if (error.keyword === 'additionalProperties') {
    return error.params.additionalProperties.map((key) => unknownKey([...path, key], key, rule))
  }
  if (error.keyword === 'required') {
    return error.params.requiredProperties.map((key) => ({
      path: [...path, key],
      message: `${key} is missing`,
      found: undefined,
      wanted: wanted(at(rule, ['properties', key]) as Json | undefined)
    }))
  }
  const text = JSON.stringify(found) ?? 'nothing'
  const known = Array.isArray(rule?.enum) && typeof found === 'string' ? didYouMean(found, rule.enum) : ''
  const message = `found ${text}, wanted ${wanted(rule)}${known}`
  return [{ path, message, found, wanted: wanted(rule) }]
}

function unknownKey(path: string[], key: string, rule: Json | undefined): FileProblem {
  const pattern = Object.keys((rule?.patternProperties ?? {}) as Json)[0]
  const known = Object.keys((rule?.properties ?? {}) as Json)
  if (pattern !== undefined) {
    const rule = `a name of lower-case letters, digits, dots and dashes (${pattern})`
    return { path, message: `${JSON.stringify(key)} is no name, wanted ${rule}`, found: key, wanted: rule }
  }
  const message = `unknown field ${JSON.stringify(key)}${didYouMean(key, known) || `, wanted one of ${known.join(', ')}`}`
  return { path, message, found: key, wanted: known }
}

/** What a schema asks for, in words. */
function wanted(rule: Json | undefined): string {
  if (rule === undefined) return 'something else'
  if (rule.const !== undefined) return JSON.stringify(rule.const)
  if (Array.isArray(rule.enum)) return rule.enum.join(' or ')
  const range = rule.minimum === undefined ? '' : ` from ${rule.minimum} to ${rule.maximum}`
  const size = rule.minProperties === undefined ? '' : ' with at least one entry'
  const unique = rule.uniqueItems === true ? ' without duplicates' : ''
  const pattern = rule.pattern === undefined ? '' : ` matching ${rule.pattern}`
  const type: Json = { object: 'a map', array: 'a list', string: 'a text', integer: 'a whole number' }
  return `${type[String(rule.type)] ?? rule.type}${range}${size}${unique}${pattern}`
}

/** The parts of a JSON pointer, unescaped. */
function pointerParts(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (v, key) => (v === null || v === undefined ? undefined : (v as Json)[key]),
    value
  )
}
