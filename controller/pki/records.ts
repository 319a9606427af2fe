import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { durableWrite } from '../../shared/durable-write.ts'
import { BelayError } from '../../shared/errors.ts'
import { revocationReasons } from './reasons.ts'

const closed = { additionalProperties: false } as const
const time = (description: string) =>
  Type.String({ description, pattern: '^\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z$' })

/** One certificate that was signed. */
export const Issued = Type.Object(
  {
    serial: Type.String({ description: 'Serial number, hexadecimal', pattern: '^[0-9A-F]{2,40}$' }),
    kind: Type.Enum(['role', 'host', 'server'], { description: 'Who it is for' }),
    name: Type.String({ description: 'Name of the person, program, host or server', minLength: 1 }),
    role: Type.Union([Type.Null(), Type.Enum(['observe', 'propose', 'approve', 'operate', 'admin'])], {
      description: 'Role of a person or program; null for a host or a server'
    }),
    dns: Type.Array(Type.String(), { description: 'Names under which it may serve' }),
    addresses: Type.Array(Type.String(), { description: 'Addresses at which it may serve' }),
    from: time('From when it holds'),
    until: time('Until when it holds'),
    file: Type.Union([Type.String(), Type.Null()], {
      description: 'Where it lies with its key on this machine; null where the key was made elsewhere'
    }),
    replaced: Type.Boolean({ description: 'A newer one was made in its place' }),
    revoked: Type.Union([
      Type.Null(),
      Type.Object(
        {
          at: time('When it was revoked'),
          reason: Type.Enum(Object.keys(revocationReasons), { description: 'Why' })
        },
        { ...closed, description: 'That it no longer counts' }
      )
    ])
  },
  { ...closed, description: 'One certificate that was signed' }
)
export type Issued = Static<typeof Issued>

/** All that an authority has signed. */
const Records = Type.Object(
  {
    format: Type.Literal(1, { description: 'Format of this file' }),
    name: Type.String({ description: 'Name of the authority', minLength: 1 }),
    /** Counted up before a list is signed: no two lists have one number. */
    lists: Type.Integer({ description: 'Number of the newest revocation list', minimum: 0 }),
    certificates: Type.Array(Issued, { description: 'Oldest first' })
  },
  { ...closed, description: 'What an authority has signed' }
)
export type Records = Static<typeof Records>

const FILE = 'issued.json'

/** Reads what an authority has signed. Throws `authority-missing` where there is none. */
export async function readRecords(directory: string): Promise<Records> {
  const file = join(directory, FILE)
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause
    const wanted = 'belay pki init'
    throw new BelayError('authority-missing', `there is no authority in ${directory}`, { at: file, wanted })
  })
  const parsed = parseJson(text, file)
  if (Value.Check(Records, parsed)) return parsed
  const [first] = Value.Errors(Records, parsed)
  throw new BelayError('store-broken', `${file} is not what belay writes: ${first?.message}`, {
    at: `${file}${first?.instancePath ?? ''}`,
    wanted: 'a copy of this file of before; without it nothing can be revoked'
  })
}

/** Writes it; on the disk when this returns. */
export async function writeRecords(directory: string, records: Records): Promise<void> {
  await durableWrite(join(directory, FILE), `${JSON.stringify(records, null, 2)}\n`)
}

function parseJson(text: string, at: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BelayError('store-broken', `${at} is not JSON`, { cause, at })
  }
}
