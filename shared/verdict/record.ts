import type { Static } from 'typebox'
import { Type } from 'typebox'
import { Nullable, StorePath } from '../api/schemas.ts'
import type { Said } from './judge.ts'
import { verdicts } from './result.ts'

const closed = { additionalProperties: false } as const
// No control characters: a line of the file is a line for people, too.
const words = (description: string, maxLength: number) =>
  Type.String({
    description,
    minLength: 1,
    maxLength,
    pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f-\\u009f]+$'
  })
const time = (description: string) =>
  Type.String({ description, pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$' })

const signed = {
  host: Type.String({ description: 'Host name', minLength: 1, maxLength: 64 }),
  storePath: StorePath,
  by: words('The person who signs', 100),
  at: time('When'),
  reason: words('Why', 2000)
}

const WaiveRecord = Type.Object(
  {
    type: Type.Literal('waive'),
    ...signed,
    criterion: words('Name of the criterion', 300),
    expires: Nullable(time('Until when'))
  },
  closed
)
const ExtendRecord = Type.Object(
  { type: Type.Literal('extend'), ...signed, days: Type.Integer({ minimum: 1, maximum: 365 }) },
  closed
)
const DecideRecord = Type.Object(
  {
    type: Type.Literal('decide'),
    ...signed,
    decision: Type.Enum(['go', 'no-go'], { description: 'What the person decided' }),
    verdict: Type.Enum(verdicts, { description: 'The verdict that it was decided upon' })
  },
  closed
)

/** A line of the decisions file: what a person said about a soak, signed. */
export const SoakRecord = Type.Union([WaiveRecord, ExtendRecord, DecideRecord])
export type SoakRecord = Static<typeof SoakRecord>
/** A decision on a soak. */
export type Decision = Static<typeof DecideRecord>

/** What was said about one generation of one host. A word about another generation does not count. */
export function saidAbout(records: readonly SoakRecord[], host: string, storePath: string): Said {
  const own = records.filter((record) => record.host === host && record.storePath === storePath)
  return {
    waivers: own.flatMap((record) => {
      if (record.type !== 'waive') return []
      const { criterion, by, at, reason, expires } = record
      return [{ criterion, by, at, reason, expires }]
    }),
    extraDays: own.reduce((sum, record) => sum + (record.type === 'extend' ? record.days : 0), 0)
  }
}

/** The newest decision about one generation of one host. */
export function decisionAbout(
  records: readonly SoakRecord[],
  host: string,
  storePath: string
): Decision | null {
  const own = records.flatMap((record) =>
    record.type === 'decide' && record.host === host && record.storePath === storePath ? [record] : []
  )
  return own.at(-1) ?? null
}
