import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Machine } from '../test/durability/machine.ts'
import { machineUnavailable } from '../test/machine/parts.ts'

/** Cuts the power of a virtual machine that writes, again and again, and counts what it had acknowledged and lost. */
const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '10' },
    'without-fsync': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})
const cuts = Number(values.cuts)
if (values.help || !Number.isSafeInteger(cuts) || cuts < 1) {
  console.log(
    'usage: npm run test:powercut -- [--cuts N] [--without-fsync]\n' +
      'Exit code 1 when anything acknowledged was lost; with --without-fsync when nothing was.'
  )
  process.exit(values.help ? 0 : 2)
}
const unavailable = machineUnavailable()
if (unavailable) {
  console.error(unavailable)
  process.exit(3)
}

/** Milliseconds: how long a machine may take in all, how long it writes at most, and takes to start. */
const [IN_ALL, TO_WRITE, TO_START] = [120_000, 2500, 5000]

/** Highest number of each kind, such as `3 record`, acknowledged and not yet judged. */
const acknowledged = new Map<string, number>()
const totals = { record: 0, state: 0, operation: 0 }
let lost = 0
let broken = 0

/** When the power goes: while the guest writes, at any time from the start on, or once it has told what there is. */
type Cut = 'writing' | 'any' | 'told'

/** One life of the machine: it tells, writes, and is killed. Resolves when all it said is read. */
async function live(machine: Machine, turn: number, cut: Cut): Promise<void> {
  const found = new Map<string, number>()
  const from = Math.min(turn, ...[...acknowledged.keys()].map((key) => Number(key.split(' ')[0])))
  const words = { TURN: String(turn), FROM: String(from), WITHOUT_FSYNC: values['without-fsync'] ? '1' : '0' }
  let killed = false
  const killWithin = (ms: number) =>
    setTimeout(() => {
      killed = child.kill('SIGKILL')
    }, Math.random() * ms)
  const child = machine.start(words, (line) => {
    const [belay, word, of = '', kind = '', count] = line.split(' ')
    if (belay !== 'belay') return
    if (word === 'found') found.set(`${of} ${kind}`, Number(count))
    if (word === 'done') acknowledged.set(`${of} ${kind}`, Number(count))
    if (word === 'broken') broken++
    if (word === 'broken') console.log(line)
    if (word === 'told') judge(found)
    if (word === cut) killWithin(cut === 'told' ? 0 : TO_WRITE)
  })
  if (cut === 'any') killWithin(TO_START)
  const late = setTimeout(() => child.kill('SIGKILL'), IN_ALL)
  await once(child, 'close')
  clearTimeout(late)
  if (!killed) throw new Error(`the machine ended by itself, or was not ready within ${IN_ALL / 1000} s`)
}

/** Counts what is missing of all that was acknowledged before. */
function judge(found: ReadonlyMap<string, number>): void {
  for (const [key, count] of acknowledged) {
    const kind = key.split(' ')[1] as keyof typeof totals
    totals[kind] += count
    const missing = Math.max(0, count - (found.get(key) ?? 0))
    lost += missing
    if (missing > 0) console.log(`${key}: ${missing} of ${count} lost`)
  }
  acknowledged.clear()
}

const directory = mkdtempSync(join(tmpdir(), 'belay-powercut-'))
try {
  const machine = await Machine.make(directory)
  const begun = performance.now()
  for (let turn = 0; turn < cuts; turn++) {
    await live(machine, turn, turn % 5 === 4 ? 'any' : 'writing')
    if (process.stdout.isTTY) console.log(`cut ${turn + 1} of ${cuts}`)
  }
  await live(machine, cuts, 'told')
  const seconds = ((performance.now() - begun) / 1000).toFixed(0)
  const { record, state, operation } = totals
  console.log(
    `${cuts} power cuts in ${seconds} s: ${record} records, ${state} state files and ${operation} operations ` +
      `acknowledged, ${lost} lost, ${broken} unreadable`
  )
} finally {
  rmSync(directory, { recursive: true })
}
const damaged = lost + broken > 0
process.exitCode = damaged === values['without-fsync'] && totals.record > 0 ? 0 : 1
