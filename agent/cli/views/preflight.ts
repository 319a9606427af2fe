import { styleText } from 'node:util'
import type { Hold } from '../../../shared/api/hold.ts'
import type { Preflight, PreflightCheck, PreflightResult } from '../../../shared/api/preflight.ts'
import { clean } from '../../../shared/clean.ts'

const marks = {
  pass: ['✔', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✘', 'red'],
  unknown: ['?', 'cyan']
} as const satisfies Record<PreflightResult, readonly [string, 'green' | 'yellow' | 'red' | 'cyan']>

/** Every check in a line, below it what a person does where there is something to do. */
export function preflight({ storePath, checks, ok }: Preflight, colours: boolean): string {
  const paint = (result: PreflightResult, text: string) =>
    colours ? styleText(marks[result][1], text, { validateStream: false }) : text
  const width = Math.max(...checks.map(({ name }) => name.length))
  const line = ({ name, result, evidence, remedy }: PreflightCheck) => {
    const said = `${paint(result, marks[result][0])} ${name.padEnd(width)}  ${clean(evidence)}`
    const advice = result === 'pass' || remedy === null ? [] : [`  ${' '.repeat(width)}  → ${clean(remedy)}`]
    return [said, ...advice].join('\n')
  }
  const failed = checks.filter(({ result }) => result === 'fail').length
  const unknown = checks.filter(({ result }) => result === 'unknown').length
  const told = `${failed} failed, ${unknown} cannot be told`
  const end = ok
    ? paint('pass', 'It could be activated now.')
    : paint('fail', `It would be refused now: ${told}.`)
  return [storePath, '', ...checks.map(line), '', end].join('\n')
}

/** A hold in one line. */
export const holdLine = ({ reason, principal, at }: Hold) =>
  `  ON HOLD since ${clean(at)} by ${clean(principal)}: ${clean(reason)} (belay-agent release)`
