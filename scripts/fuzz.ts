import { parseArgs } from 'node:util'
import { attackAgent } from '../test/fuzz/attack.ts'
import { attackIdle } from '../test/fuzz/idle.ts'
import { attackParsers } from '../test/fuzz/parsers.ts'
import { randomFrom } from '../test/verdict/random.ts'

/** Sends requests made from the description of the API, more or less wrong, and bytes that are none. */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    parsers: { type: 'string', default: '0' },
    idle: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', default: false }
  }
})
const [requests, parsers, idle, seed] = [values.requests, values.parsers, values.idle, values.seed].map(
  Number
) as [number, number, number, number]
if (
  values.help ||
  ![requests, parsers, idle, seed].every(Number.isSafeInteger) ||
  requests < 1 ||
  parsers < 0 ||
  idle < 0
) {
  console.log(
    'usage: npm run fuzz -- [--requests N | --parsers N | --idle N] [--seed N]\n--parsers reads files instead: those of test/fuzz/corpus, broken.\n--idle opens connections that say nothing, and asks for a rollback and a confirmation in between.\nExit code 1 after an answer of 5xx, a crash, no answer, or an error that is not ours.'
  )
  process.exit(values.help ? 0 : 2)
}
if (parsers > 0) {
  const wrong = await attackParsers(parsers, randomFrom(seed).uniform)
  for (const each of wrong) console.log(JSON.stringify(each))
  console.log(`seed ${seed}, ${parsers} files, ${wrong.length} broken`)
  process.exit(wrong.length > 0 ? 1 : 0)
}
if (idle > 0) {
  const { held, rss, slowestMs, statuses } = await attackIdle(idle)
  const memory = rss.map((mib) => mib.toFixed(0)).join(' MiB before, after them ')
  console.log(`${idle} connections, ${held} open at the most; memory of the agent: ${memory} MiB`)
  console.log(`rollback and confirm: ${[...statuses]}, the slowest in ${Math.round(slowestMs)} ms`)
  process.exit(0)
}
const began = Date.now()
const { statuses, broken, crashed, rss } = await attackAgent(requests, randomFrom(seed).uniform, (done) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${requests}`)
})
if (process.stderr.isTTY) process.stderr.write('\r')
console.log(`seed ${seed}, ${requests} requests in ${Math.round((Date.now() - began) / 1000)} s`)
for (const [status, times] of [...statuses].sort(([a], [b]) => a - b))
  console.log(`${status === 0 ? 'cut off' : status}: ${times}`)
console.log(
  `memory of the agent: ${rss.map((mib) => mib.toFixed(0)).join(' MiB after a tenth, at the end ')} MiB`
)
for (const each of broken) console.log(JSON.stringify(each))
if (crashed !== null) console.log(`the agent ended by itself: ${crashed}`)
if (broken.length > 0 || crashed !== null) process.exitCode = 1
