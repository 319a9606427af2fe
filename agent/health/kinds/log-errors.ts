import { Type } from 'typebox'
import type { Finding, Thresholds } from './kind.ts'
import { defineKind, judge, orNull, some, thresholds } from './kind.ts'

const HOUR_MS = 3_600_000
/** Records read at a time; a flood beyond them is counted as this many. */
const MAX_RECORDS = 2000
const MAX_BYTES = 4 * 1024 * 1024
/** Errors of one hour remembered. */
const MAX_TIMES = 10_000

/** Errors in systemd's journal in the last hour: records of priority 3 and worse, and those that a pattern finds. */
export const logErrorsKind = defineKind({
  options: {
    priority: Type.Integer({
      minimum: 0,
      maximum: 7,
      description: 'Least priority that counts as an error, as syslog numbers it',
      default: 3
    }),
    patterns: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      maxItems: 20,
      description: 'Texts that count as an error in a record of any priority',
      default: []
    }),
    ignore: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      maxItems: 50,
      description: 'Texts that make a record none',
      default: []
    }),
    unit: orNull(
      Type.String({ pattern: '^[A-Za-z0-9:_.\\\\@][A-Za-z0-9:_.\\\\@-]*$', description: 'One unit alone' })
    ),
    ...thresholds('Errors in an hour', { warn: 60, fail: null })
  },
  gives: { measures: 'rate', unit: 'errors/h' },
  begin: ({ priority, patterns, ignore, unit, ...bounds }) => {
    let cursor: string | null = null
    let times: readonly number[] = []
    return async (world) => {
      const argv = journalCommand({ cursor, unit, priority: patterns.length === 0 ? priority : null })
      const { code, stdout, stderr, ended } = await world.run(argv, { maxOutput: MAX_BYTES })
      if (ended !== 'flood' && code !== 0) {
        // The place may be gone with the oldest of the journal: the next run looks at the last hour again.
        cursor = null
        times = []
        throw new Error(`journalctl: ${stderr.trim().slice(0, 200) || ended}`)
      }
      const read = readRecords(stdout, { priority, patterns, ignore })
      cursor = read.cursor ?? cursor
      const now = world.now()
      times = [...times, ...read.times].filter((at) => Math.abs(now - at) < HOUR_MS).slice(-MAX_TIMES)
      return judgeErrors(times.length, read.samples, bounds)
    }
  }
})

/** From a cursor on, or else the last hour. */
export function journalCommand(what: {
  readonly cursor: string | null
  readonly unit: string | null
  readonly priority: number | null
}): readonly string[] {
  const { cursor, unit, priority } = what
  return [
    'journalctl',
    '--quiet',
    '--no-pager',
    '--output=json',
    '--output-fields=PRIORITY,MESSAGE',
    // With a cursor the oldest are read first, so that none is left out.
    ...(cursor === null
      ? ['--since=-1h', `--lines=${MAX_RECORDS}`]
      : [`--after-cursor=${cursor}`, `--lines=+${MAX_RECORDS}`]),
    ...(priority === null ? [] : [`--priority=${priority}`]),
    ...(unit === null ? [] : [`--unit=${unit}`])
  ]
}

interface Wanted {
  readonly priority: number
  readonly patterns: readonly string[]
  readonly ignore: readonly string[]
}

/** Counts the errors in lines of JSON; a line that was cut off is none. */
export function readRecords(text: string, { priority, patterns, ignore }: Wanted) {
  let cursor: string | null = null
  const times: number[] = []
  const samples: string[] = []
  for (const line of text.split('\n')) {
    const record = parse(line)
    if (record === null) continue
    cursor = record.cursor ?? cursor
    const has = (part: string) => record.message.includes(part)
    if ((record.priority > priority && !patterns.some(has)) || ignore.some(has)) continue
    times.push(record.at)
    if (samples.length < 3) samples.push(record.message.slice(0, 100))
  }
  return { cursor, times, samples }
}

function parse(line: string) {
  try {
    const record = JSON.parse(line) as Record<string, unknown> | null
    if (typeof record !== 'object' || record === null) return null
    const { PRIORITY, MESSAGE, __CURSOR, __REALTIME_TIMESTAMP } = record
    return {
      // A record without a priority is of the kernel's default, a warning.
      priority: typeof PRIORITY === 'string' ? Number(PRIORITY) : 4,
      // Bytes that are no text come as numbers.
      message: Array.isArray(MESSAGE) ? Buffer.from(MESSAGE as number[]).toString() : String(MESSAGE ?? ''),
      // Microseconds.
      at: Number(__REALTIME_TIMESTAMP) / 1000,
      cursor: typeof __CURSOR === 'string' ? __CURSOR : null
    }
  } catch {
    return null
  }
}

/** The errors of the last hour. */
export function judgeErrors(errors: number, samples: readonly string[], bounds: Thresholds): Finding {
  const told = samples.length === 0 ? '' : `; such as: ${some(samples, 2)}`
  return judge(errors, bounds, `${errors} errors in the last hour${told}`)
}
