import { clean } from '../../../shared/clean.ts'
import type { Checklist } from '../commands/checklist.ts'
import type { Paint } from './text.ts'
import { table } from './text.ts'

const marks = { pass: '✔', fail: '✖', unknown: '?' } as const
const colours = { pass: 'green', fail: 'red', unknown: 'yellow' } as const

/** Each line of the list with its evidence. */
export function checklistView({ host, storePath, ok, items }: Checklist, paint: Paint): string {
  const rows = items.map(({ name, result, evidence }) => [
    { text: `${marks[result]} ${name}`, format: colours[result] },
    { text: clean(evidence) }
  ])
  const end = ok ? paint('green', '✔ complete\n') : paint('red', '✖ not complete\n')
  return `${host}: ${storePath}\n${table(['POINT', 'EVIDENCE'], rows, paint)}${end}`
}
