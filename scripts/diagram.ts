import { readFile, writeFile } from 'node:fs/promises'
import { isTerminal, phases, transitions } from '../shared/operation/phase.ts'

/** Puts the diagram of the transition table into docs/safety.md, between its marks. */
const file = 'docs/safety.md'
const arrows = phases.flatMap((from) => transitions[from].map((to) => `    ${from} --> ${to}`))
const ends = phases.filter(isTerminal).map((phase) => `    ${phase} --> [*]`)
const diagram = ['```mermaid', 'stateDiagram-v2', '    [*] --> accepted', ...arrows, ...ends, '```'].join(
  '\n'
)
const [begin, end] = ['<!-- diagram: npm run diagram -->', '<!-- end of diagram -->']
const text = await readFile(file, 'utf8')
const [before, rest] = text.split(begin)
const after = rest?.split(end)[1]
if (before === undefined || after === undefined) throw new Error(`${file} has no ${begin} … ${end}`)
await writeFile(file, `${before}${begin}\n${diagram}\n${end}${after}`)
