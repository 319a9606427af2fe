import { clean } from '../../../shared/clean.ts'
import { reasonIn } from '../../check/reason.ts'
import type { CheckReport, CheckStep, StepResult } from '../../check/report.ts'
import type { Cell, Paint } from './text.ts'
import { cut, duration, table } from './text.ts'

const marks = { pass: '✔', warn: '!', fail: '✖', skipped: '-' } as const satisfies Record<StepResult, string>
const colours = { pass: 'green', warn: 'yellow', fail: 'red', skipped: 'dim' } as const

/** Every step in a line, then the whole message of each failure. */
export function checkView(report: CheckReport, paint: Paint): string {
  const all = stepsOf(report)
  const rows = all.map(({ of, step }): Cell[] => [
    { text: of },
    { text: step.name },
    { text: `${marks[step.result]} ${step.code ?? step.result}`, format: colours[step.result] },
    { text: step.result === 'skipped' ? '-' : duration(step.seconds) },
    { text: cut(clean(reasonIn(step.message)), 100) }
  ])
  const failures = all
    .filter(({ step }) => step.result === 'fail')
    .map(({ of, step }) => `\n${paint('bold', `${of}: ${step.name}`)}\n${indented(step)}`)
  const failed = all.flatMap(({ of, step }) => (step.result === 'fail' ? [`${of} (${step.name})`] : []))
  const end = report.ok
    ? paint('green', '\n✔ ready to be merged\n')
    : paint('red', `\n✖ not ready: ${failed.join('; ')}\n`)
  return `${table(['OF', 'STEP', 'RESULT', 'TIME', 'FOUND'], rows, paint)}${failures.join('')}${end}`
}

const indented = ({ message }: CheckStep) =>
  message
    .split('\n')
    .map((line) => `  ${clean(line)}\n`)
    .join('')

/** For a pull request, or the summary of a job: a table, and failures to unfold. */
export function checkMarkdown(report: CheckReport): string {
  const all = stepsOf(report)
  const rows = all.map(({ of, step }) => {
    const result = `${marks[step.result]} ${step.code ?? step.result}`
    return `| ${cell(of)} | ${cell(step.name)} | ${result} | ${duration(step.seconds)} | ${cell(cut(reasonIn(step.message), 120))} |\n`
  })
  const failures = all
    .filter(({ step }) => step.result === 'fail')
    .map(({ of, step }) => {
      const body = indented(step).replaceAll('```', "'''")
      return `\n<details><summary>${cell(of)}: ${cell(step.name)}</summary>\n\n\`\`\`\n${body}\`\`\`\n\n</details>\n`
    })
  const title = `## ${report.ok ? '✔ Ready to be merged' : '✖ Not ready'}\n\n`
  return `${title}| Of | Step | Result | Time | Found |\n|---|---|---|---|---|\n${rows.join('')}${failures.join('')}`
}

/** Text that neither ends a cell nor becomes a tag. */
const cell = (text: string) => clean(text).replace(/[\\|`<>&*_[\]]/g, (mark) => `&#${mark.charCodeAt(0)};`)

function stepsOf({ hosts, repository }: CheckReport): { of: string; step: CheckStep }[] {
  return [
    ...hosts.flatMap(({ host, steps }) => steps.map((step) => ({ of: host, step }))),
    ...repository.map((step) => ({ of: 'repository', step }))
  ]
}
