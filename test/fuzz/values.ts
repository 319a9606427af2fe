/** Numbers from 0 to 1, the same for the same seed. */
export type Random = () => number

/** The part of JSON Schema that the description of the API uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
}

/** Text that has broken parsers before. */
export const nasty: readonly string[] = [
  ...[
    '',
    ' ',
    '\0',
    '\n',
    '\r\nx: y',
    '..',
    '../../etc/passwd',
    '/nix/store',
    '/nix/store/..',
    '--help',
    '-',
    '$(id)'
  ],
  ...[
    '`id`',
    '%00',
    '%2e%2e%2f',
    '%',
    '\\',
    '"',
    "'",
    '\u2028',
    '\ud800',
    '\u{1f9a6}',
    'é',
    'null',
    'true',
    '[]',
    '{}'
  ],
  ...[
    'NaN',
    '1e999',
    '-0',
    '__proto__',
    'constructor',
    'toString',
    'a'.repeat(300),
    'a'.repeat(5000),
    '🦦'.repeat(200)
  ],
  ...[
    `/nix/store/${'b'.repeat(32)}-nixos-system`,
    `/nix/store/${'b'.repeat(32)}-nixos-system/../x`,
    '2026-01-01T00:00:00Z'
  ],
  ...['x', '0', '20260101T000000Z-00000000', '0'.repeat(32), '<script>', '{{7*7}}', '%s%n', "' or 1=1 --"]
]
const numbers = [0, -0, 1, -1, 0.5, 30, 59, 3600, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308, -1e308, 5e-324]

/** Picks one. */
export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

/** Any JSON at all. */
export function anything(random: Random, depth = 0): unknown {
  const kind = Math.floor(random() * (depth > 3 ? 4 : 6))
  if (kind === 0) return pick(random, nasty)
  if (kind === 1) return pick(random, numbers)
  if (kind === 2) return pick(random, [true, false, null])
  if (kind === 3) return random() < 0.5 ? [] : {}
  const length = Math.floor(random() * 4)
  const members = Array.from({ length }, () => anything(random, depth + 1))
  if (kind === 4) return members
  return Object.fromEntries(members.map((value) => [pick(random, nasty), value]))
}

/** A value as the schema wants it, or, as often as `wrong` says, one that it does not. */
export function valueFor(
  random: Random,
  schema: Schema,
  wrong: number,
  find: (ref: string) => Schema
): unknown {
  if (random() < wrong) return anything(random)
  const again = (inner: Schema) => valueFor(random, inner, wrong, find)
  if (schema.$ref !== undefined) return again(find(schema.$ref))
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return pick(random, schema.enum)
  if (schema.anyOf) return again(pick(random, schema.anyOf))
  if (schema.type === 'object') {
    const fields = Object.entries(schema.properties ?? {})
    const kept = fields.filter(([name]) => schema.required?.includes(name) === true || random() < 0.5)
    const more = random() < wrong ? [[pick(random, nasty), anything(random)] as const] : []
    return Object.fromEntries([...kept.map(([name, inner]) => [name, again(inner)] as const), ...more])
  }
  if (schema.type === 'array') {
    const { items = {} } = schema
    return Array.from({ length: Math.floor(random() * 4) }, () => again(items))
  }
  if (schema.type === 'integer') {
    const { minimum = 0, maximum = 1000 } = schema
    return Math.floor(minimum + random() * (maximum - minimum + 1))
  }
  if (schema.type === 'number') return pick(random, numbers)
  if (schema.type === 'boolean') return random() < 0.5
  if (schema.type === 'null') return null
  return pick(random, nasty)
}
