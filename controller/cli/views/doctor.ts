import { clean } from '../../../shared/clean.ts'
import type { Finding } from '../../doctor/finding.ts'
import type { Paint } from './text.ts'

const marks = { ok: ['green', '✔'], warn: ['yellow', '!'], fail: ['red', '✖'] } as const

/** What was found, one thing a line, with the remedy below it. */
export function doctorView(findings: readonly Finding[], paint: Paint): string {
  const lines = findings.flatMap(({ check, host, level, text, remedy }) => {
    const [colour, mark] = marks[level]
    const about = host === null ? check : `${host}: ${check}`
    const line = `${paint(colour, mark)} ${about}  ${clean(text)}`
    return remedy === null ? [line] : [line, `    → ${clean(remedy)}`]
  })
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  const sum = `${count('fail')} to mend, ${count('warn')} to look at, ${count('ok')} well`
  return `${[...lines, '', sum].join('\n')}\n`
}
