import { readFileSync } from 'node:fs'
import type { Random, Schema } from './values.ts'
import { anything, nasty, pick, valueFor } from './values.ts'

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly schema: Schema
}

interface Route {
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly body: Schema | null
}

/** A request that is sent. */
export interface Attack {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

interface Description {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly parameters?: readonly Parameter[]
            readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
          }
        >
      >
    >
  >
}

/** The description of an API, as far as requests are made from it. */
export interface Api {
  readonly routes: readonly Route[]
  readonly find: (ref: string) => Schema
}

/** The API that a description says. */
export function apiOf(name: string): Api {
  const { components, paths } = JSON.parse(readFileSync(`openapi/${name}.json`, 'utf8')) as Description
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      body: requestBody?.content['application/json']?.schema ?? null
    }))
  )
  const find = (ref: string) => {
    const schema = components.schemas[ref.split('/').at(-1) ?? '']
    if (!schema) throw new Error(`no ${ref}`)
    return schema
  }
  return { routes, find }
}

/** What requests are made from. */
export interface Material {
  readonly api: Api
  /** Names and identities that the daemon knows. */
  readonly known: readonly string[]
  /** Bodies that it takes, by method and path. */
  readonly examples: Readonly<Record<string, unknown>>
}

/** Of all requests so many are as they should be, a little wrong, or very wrong. */
const wrongness = [0, 0.02, 0.1, 0.5] as const

/** A request made from the description of the API, more or less as it should be. */
export function randomAttack(random: Random, { api, known, examples }: Material): Attack {
  const route = pick(random, api.routes)
  const wrong = pick(random, wrongness)
  const text = (schema: Schema) => {
    const value = valueFor(random, schema, wrong, api.find)
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  }
  const headers: Record<string, string> = {}
  const query = new URLSearchParams()
  let { path } = route
  for (const { name, in: where, schema } of route.parameters) {
    if (where === 'path') {
      const value = random() < 0.5 ? pick(random, known) : text(schema)
      path = path.replace(`{${name}}`, random() < 0.9 ? encode(value) : value.replaceAll(/[^!-~]/g, ''))
    } else if (where === 'query') {
      if (random() < 0.7) query.append(name, wellFormed(text(schema)))
    } else if (random() < 0.5) headers[name] = text(schema).replaceAll(/[^ -~]/g, '')
  }
  if (random() < wrong) query.append(pick(random, nasty).toWellFormed(), 'x')
  if (random() < 0.5) headers['fleet-lock-protocol'] = 'true'
  const search = query.size > 0 ? `?${query}` : ''
  const method = random() < wrong ? pick(random, ['HEAD', 'OPTIONS', 'TRACE', 'PUT', 'PATCH']) : route.method
  const example = examples[`${route.method} ${route.path}`]
  const body =
    route.body === null ? null : bodyOf(random, bodyValue(random, { route, example, wrong, api }), wrong)
  if (body !== null)
    headers['content-type'] = random() < wrong ? pick(random, ['text/plain', 'x', '']) : 'application/json'
  return { method, path: `${path}${search}`.slice(0, 8000), headers, body }
}

interface Valued {
  readonly route: Route
  readonly example: unknown
  readonly wrong: number
  readonly api: Api
}

/** What the schema wants, or what is known to be taken with one place in it made otherwise. */
function bodyValue(random: Random, { route, example, wrong, api }: Valued): unknown {
  if (example === undefined || random() < 0.5) return valueFor(random, route.body ?? {}, wrong, api.find)
  return random() < 0.3 ? example : replaced(random, example)
}

/** The same with one value of it made into anything. */
function replaced(random: Random, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || random() < 0.1) return anything(random)
  const keys = Object.keys(value)
  if (keys.length === 0) return anything(random)
  const key = pick(random, keys)
  const inner = replaced(random, (value as Record<string, unknown>)[key])
  if (Array.isArray(value)) return value.with(Number(key), inner)
  return { ...value, [key]: inner }
}

function bodyOf(random: Random, value: unknown, wrong: number): string {
  const text = JSON.stringify(value) ?? ''
  if (random() >= wrong) return text
  const at = Math.floor(random() * text.length)
  return `${text.slice(0, at)}${pick(random, nasty)}${text.slice(at + Math.floor(random() * 3))}`
}

const wellFormed = (text: string) => text.toWellFormed()
const encode = (text: string) => encodeURIComponent(wellFormed(text))

/** Bytes that begin as HTTP does, or not even that. */
export function randomBytes(random: Random): Buffer {
  const lines = [
    ...[
      'GET /livez HTTP/1.1',
      'POST /v1/rollback HTTP/1.1',
      'GET / HTTP/9.9',
      'get / http/1.1',
      'PRI * HTTP/2.0'
    ],
    ...[
      'host: x',
      'host: x\r\nhost: y',
      'content-length: 5',
      'content-length: -1',
      'content-length: 99999999999'
    ],
    ...[
      'transfer-encoding: chunked',
      'transfer-encoding: chunked, gzip',
      'connection: upgrade',
      'upgrade: websocket'
    ],
    ...[
      'expect: 100-continue',
      'content-type: application/json',
      'x'.repeat(9000),
      '',
      '',
      '5',
      '{"a":1}',
      '0',
      ...nasty
    ]
  ]
  const count = 1 + Math.floor(random() * 8)
  const text = Array.from({ length: count }, () => pick(random, lines)).join(random() < 0.8 ? '\r\n' : '\n')
  const bytes = Buffer.from(`${text}\r\n\r\n`)
  const flips = random() < 0.5 ? 0 : Math.floor(random() * 20)
  for (let i = 0; i < flips; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
  return bytes
}
