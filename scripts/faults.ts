import { parseArgs } from 'node:util'
import { macFaults } from '../test/darwin/faults.ts'
import type { MacSurvival } from '../test/darwin/survive.ts'
import { surviveOnMacs } from '../test/darwin/survive.ts'
import type { Fault } from '../test/fleet/faults/fault.ts'
import { allFaults } from '../test/fleet/faults.ts'
import type { Survival } from '../test/fleet/survive.ts'
import { surviveAll } from '../test/fleet/survive.ts'

/**
 * Puts real hosts through every fault there is, or those whose name or phase matches, and prints what became of them. With
 * --darwin stand-ins for Macs: see docs/darwin.md.
 */
const { values, positionals } = parseArgs({
  options: {
    darwin: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  },
  allowPositionals: true
})
if (values.help) {
  console.log(
    'usage: npm run test:faults -- [--darwin] [--json] [PATTERN...]\nExit code 1 when a host did not survive.'
  )
  process.exit(0)
}
const patterns = positionals.map((text) => new RegExp(text))
const isChosen = ({ name, phase }: Pick<Fault, 'name' | 'phase'>) =>
  patterns.length === 0 || patterns.some((p) => p.test(`${name} ${phase ?? ''}`))
const cells = (...texts: readonly string[]) =>
  texts.map((text, i) => text.padEnd([48, 14, 13, 8][i] ?? 0)).join(' ')
if (!values.json) console.log(cells('FAULT', 'PHASE', 'OUTCOME', 'SECONDS'))
let survived = 0
let stranded = 0
const tell = ({ fault, phases, secondsToGood, complaints, ...rest }: Survival | MacSurvival) => {
  const { name, phase } = fault
  const outcome = phases.at(-1) ?? 'none'
  survived += complaints.length === 0 ? 1 : 0
  stranded += rest.stranded ? 1 : 0
  if (values.json) console.log(JSON.stringify({ name, phase, outcome, secondsToGood, complaints, ...rest }))
  else
    console.log(
      cells(name, phase ?? 'with candidate', outcome, secondsToGood.toFixed(1), complaints.join('; '))
    )
}
const chosen = (values.darwin ? macFaults : allFaults).filter(isChosen)
if (values.darwin) await surviveOnMacs(macFaults.filter(isChosen), tell)
else await surviveAll(allFaults.filter(isChosen), tell)
const summary = `${chosen.length} faults injected, ${survived} survived, ${stranded} stranded`
if (!values.json) console.log(summary)
process.exitCode = survived === chosen.length && chosen.length > 0 ? 0 : 1
