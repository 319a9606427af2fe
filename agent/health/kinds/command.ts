import { Type } from 'typebox'
import type { BoundedResult } from '../../../shared/command.ts'
import type { Finding, Thresholds } from './kind.ts'
import { defineKind, fail, judge, orNull, pass, thresholds, unknown, userName } from './kind.ts'

/** A pattern is tried on lines no longer than this: some patterns take for ever on long ones. */
const MAX_LINE = 4096

/** A command, whose exit code, output or duration counts. */
export const commandKind = defineKind({
  options: {
    argv: Type.Array(Type.String({ minLength: 1, maxLength: 4096, pattern: '^[^\\u0000]*$' }), {
      minItems: 1,
      maxItems: 100,
      description: 'Program and arguments; there is no shell around them'
    }),
    user: Type.Union([userName('User'), Type.Null()], {
      description: 'User to run as; null is root',
      default: null
    }),
    environment: Type.Record(
      Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
      Type.String({ maxLength: 4096 }),
      {
        additionalProperties: false,
        description: 'More variables',
        default: {}
      }
    ),
    value: Type.Enum(['none', 'duration', 'number'], {
      description:
        'duration: how long it took, in seconds. number: what the pattern finds on standard output',
      default: 'none'
    }),
    pattern: Type.Union([Type.String({ maxLength: 500 }), Type.Null()], {
      description:
        'Regular expression that a line of standard output must match. For value: number its first group is the number; null is the first number there is',
      default: null
    }),
    unit: Type.Union([Type.String({ pattern: '^[A-Za-z/%0-9]{1,20}$' }), Type.Null()], {
      description: 'Unit of the number',
      default: null
    }),
    measures: orNull(
      Type.Enum(['duration', 'rate', 'ratio', 'bytes', 'count', 'temperature'], {
        description: 'What the number is, where more is worse and it is to be compared with the baseline'
      })
    ),
    ...thresholds('Value', { warn: null, fail: null })
  },
  gives: ({ value, measures, unit }) => {
    if (value === 'duration') return { measures: 'duration', unit: 'seconds' }
    return value === 'number' ? { measures, unit } : { measures: null, unit: null }
  },
  problem: ({ pattern, value, warn, fail }) => {
    if (value === 'none' && (warn !== null || fail !== null)) return 'warn and fail need a value'
    try {
      new RegExp(pattern ?? '', 'u')
      return null
    } catch (error) {
      return `pattern: ${(error as Error).message}`
    }
  },
  begin:
    ({ argv, user, environment, value, pattern, ...bounds }) =>
    async (world) => {
      const begun = world.monotonicMs()
      const ran = await world.runContained(argv, { user, environment })
      return judgeCommand(ran, (world.monotonicMs() - begun) / 1000, { value, pattern, ...bounds })
    }
})

interface Wanted extends Thresholds {
  readonly value: 'none' | 'duration' | 'number'
  readonly pattern: string | null
}

/** Fails on another exit code than 0; one that did not end by itself tells nothing. */
export function judgeCommand(ran: BoundedResult, seconds: number, wanted: Wanted): Finding {
  const { code, stdout, stderr, ended } = ran
  const last = lastLine(stderr) || lastLine(stdout)
  if (ended === 'flood') return unknown('ended: it wrote too much')
  if (ended !== 'exited') return unknown(`did not run to its end (${ended})${last === '' ? '' : `: ${last}`}`)
  if (code !== 0) return fail(`exited with ${code}${last === '' ? '' : `: ${last}`}`)
  const found = wanted.pattern === null ? null : match(stdout, wanted.pattern)
  if (wanted.pattern !== null && found === null) return fail('no line of its output matches the pattern')
  if (wanted.value === 'none') return pass(found?.[0] ?? (lastLine(stdout) || 'exited with 0'))
  if (wanted.value === 'duration') return judge(seconds, wanted, `took ${seconds.toFixed(2)} s`)
  const text = found === null ? /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/i.exec(stdout)?.[0] : (found[1] ?? found[0])
  if (text === undefined || text.trim() === '') return unknown('no number in its output')
  return judge(Number(text), wanted, `value ${text}`)
}

function match(text: string, pattern: string): RegExpExecArray | null {
  const expression = new RegExp(pattern, 'u')
  for (const line of text.split('\n')) {
    const found = expression.exec(line.slice(0, MAX_LINE))
    if (found) return found
  }
  return null
}

const lastLine = (text: string) => text.trim().split('\n').at(-1)?.slice(0, 200) ?? ''
