import { isTerminal, phases, transitions } from '../shared/operation/phase.ts'
import { putBetween } from './put-between.ts'

/** Puts the diagram of the transition table into docs/safety.md, between its marks. */
const arrows = phases.flatMap((from) => transitions[from].map((to) => `    ${from} --> ${to}`))
const ends = phases.filter(isTerminal).map((phase) => `    ${phase} --> [*]`)
const lines = ['```mermaid', 'stateDiagram-v2', '    [*] --> accepted', ...arrows, ...ends, '```']
await putBetween('docs/safety.md', 'diagram', 'npm run diagram', lines.join('\n'))
