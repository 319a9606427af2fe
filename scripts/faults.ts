import { parseArgs } from 'node:util'
import { allFaults } from '../test/fleet/faults.ts'
import { surviveAll } from '../test/fleet/survive.ts'

/** Puts real hosts through every fault there is, or those whose name or phase matches, and prints what became of them. */
const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  allowPositionals: true
})
if (values.help) {
  console.log('usage: npm run test:faults -- [--json] [PATTERN...]\nExit code 1 when a host did not survive.')
  process.exit(0)
}
const patterns = positionals.map((text) => new RegExp(text))
const chosen = allFaults.filter(
  ({ name, phase }) => patterns.length === 0 || patterns.some((p) => p.test(`${name} ${phase ?? ''}`))
)
const cells = (...texts: readonly string[]) =>
  texts.map((text, i) => text.padEnd([48, 14, 13, 8][i] ?? 0)).join(' ')
if (!values.json) console.log(cells('FAULT', 'PHASE', 'OUTCOME', 'SECONDS'))
let survived = 0
let stranded = 0
await surviveAll(chosen, ({ fault, phases, secondsToGood, complaints, ...rest }) => {
  const { name, phase } = fault
  const outcome = phases.at(-1) ?? 'none'
  survived += complaints.length === 0 ? 1 : 0
  stranded += rest.stranded ? 1 : 0
  if (values.json) console.log(JSON.stringify({ name, phase, outcome, secondsToGood, complaints, ...rest }))
  else
    console.log(
      cells(name, phase ?? 'with candidate', outcome, secondsToGood.toFixed(1), complaints.join('; '))
    )
})
const summary = `${chosen.length} faults injected, ${survived} survived, ${stranded} stranded`
if (!values.json) console.log(summary)
process.exitCode = survived === chosen.length && chosen.length > 0 ? 0 : 1
