import type { TSchema } from 'typebox'

/** One option of the module, or one key of the schema, in the same words. */
export interface Option {
  readonly name: string
  readonly default: unknown
  readonly description: string
  /** What is allowed, as the module system says it. */
  readonly type: string
}

/** The keys of a schema, as the module system would tell them. */
export function optionsOf(schema: TSchema, prefix = ''): Option[] {
  const { properties = {} } = schema as { properties?: Record<string, TSchema> }
  return Object.entries(properties).flatMap(([key, value]) => {
    const name = `${prefix}${key}`
    if ('properties' in value) return optionsOf(value, `${name}.`)
    const { default: preset, description } = value as unknown as Option
    return [{ name, default: preset, description, type: typeOf(value as never) }]
  })
}

function typeOf(schema: {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly anyOf?: readonly unknown[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: { readonly type?: string }
}): string {
  if (schema.enum) return `one of ${schema.enum.map((word) => JSON.stringify(word)).join(', ')}`
  if (schema.type === 'integer') {
    return `integer between ${schema.minimum} and ${schema.maximum} (both inclusive)`
  }
  if (schema.anyOf?.some((each) => (each as { type?: string }).type === 'object'))
    return 'null or attribute set of anything'
  if (schema.type === 'array')
    return `list of ${schema.items?.type === 'object' ? 'attribute set of anything' : 'string'}`
  if (schema.type === 'boolean') return 'boolean'
  if (schema.anyOf) return 'null or string'
  return schema.pattern ? 'string matching the pattern /[^[:space:]$%]*' : 'string'
}

/** In one order. */
export const byName = (options: readonly Option[]) =>
  options.toSorted((a, b) => a.name.localeCompare(b.name, 'en'))
