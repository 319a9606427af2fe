import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { parseFleet } from '../../controller/inventory/load.ts'
import { blocksOf, runbooks, textOf, unrunCommands } from './blocks.ts'

const fleetTest = readFileSync(resolve(import.meta.dirname, '../fleet/runbooks.test.ts'), 'utf8')
const index = readFileSync(join(import.meta.dirname, '../../docs/runbooks/README.md'), 'utf8')

t.test('every runbook is run by the fleet test, and is in the list', async (t) => {
  t.ok(runbooks().length >= 5)
  for (const name of runbooks()) {
    t.match(fleetTest, new RegExp(`runRunbook\\(\\s*t,\\s*'${name}'`), name)
    t.ok(index.includes(`(${name}.md)`), name)
  }
})

for (const name of runbooks())
  t.test(`${name}: each block has its marker, each command its block`, async (t) => {
    const blocks = blocksOf(textOf(name))
    t.ok(blocks.some(({ is }) => is === 'run'))
    for (const block of blocks) {
      if (block.is === 'untried') t.comment(`not tried: ${name}.md:${block.line}: ${block.why}`)
      if (block.is === 'file') t.ok(parseFleet(block.text, '/fleet.yaml').hosts.length > 0)
    }
    t.same(unrunCommands(textOf(name)), [])
  })

const fence = '```'
t.test('what is not marked is refused', async (t) => {
  const of = (marker: string, block = `${fence}sh\ntrue\n${fence}\n`) =>
    blocksOf(`text\n\n${marker}\n${block}`)
  t.throws(() => of(''), /line 4: no marker/)
  t.throws(() => of('<!-- run operator -->'), /no marker/)
  t.throws(() => of('<!-- run: operator -->\n'), /no marker/, 'not directly above')
  t.throws(() => of('', '    belay deploy\n'), /line 4: a block has a fence/)
  t.throws(() => of('<!-- run: operator -->', `${fence}sh\ntrue\n`), /does not end/)
  t.match(of('<!-- run: operator, exits 5 -->'), [{ on: 'operator', step: null, exits: 5, text: 'true' }])
  t.match(of('<!-- run: operator, gone, exits 1 -->'), [{ step: 'gone', exits: 1 }])
  t.match(of('<!-- run: operator, gone -->'), [{ step: 'gone', exits: 0 }])
  t.match(of('**Not tried**: no firmware.'), [{ is: 'untried', why: 'no firmware.' }])
  t.match(of('<!-- file: operator fleet.yaml -->'), [{ is: 'file', name: 'fleet.yaml' }])
})

t.test('a command in the text that no block has is found', async (t) => {
  const page = `Say \`belay deploy --host x\`, then \`belay status\`.\n\n<!-- run: operator -->\n${fence}sh\nbelay status\n${fence}\n`
  t.same(unrunCommands(page), ['belay deploy --host x'])
})
