import { parseArgs } from 'node:util'
import { attackDaemon } from '../test/fuzz/attack.ts'
import { attackIdle } from '../test/fuzz/idle.ts'
import { attackParsers } from '../test/fuzz/parsers.ts'
import type { TargetName } from '../test/fuzz/targets.ts'
import { targets } from '../test/fuzz/targets.ts'
import { randomFrom } from '../test/verdict/random.ts'

/** Sends requests made from the description of an API, more or less wrong, and bytes that are none. */
const usage = `usage: npm run fuzz -- [--of ${targets.join('|')}] [--requests N | --idle N [--hold] | --parsers N] [--seed N]
--of      the daemon that is attacked; agent unless it is said
--idle    opens connections that say nothing, to the agent's socket of observers or to the controller over TLS, and says by the
          socket of operators what must be heard, in between
--hold    of the controller: with a certificate and a limit that lets all of them in, so that all are open at the same time
--parsers reads files instead: those of test/fuzz/corpus, broken
Exit code 1 after an answer of 5xx, a crash, no answer, or an error that is not ours.`
const { values } = parseArgs({
  options: {
    of: { type: 'string', default: 'agent' },
    requests: { type: 'string', default: '1000000' },
    parsers: { type: 'string', default: '0' },
    idle: { type: 'string', default: '0' },
    hold: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', default: false }
  }
})
const numbers = [values.requests, values.parsers, values.idle, values.seed].map(Number)
const [requests, parsers, idle, seed] = numbers as [number, number, number, number]
const of = targets.find((name) => name === values.of)
const wrong = of === undefined || !numbers.every((n) => Number.isSafeInteger(n) && n >= 0) || requests < 1
if (values.help || wrong) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}
const random = randomFrom(seed).uniform
const mib = (memory: number) => `${memory.toFixed(0)} MiB`

async function readFiles(): Promise<boolean> {
  const broken = await attackParsers(parsers, random)
  for (const each of broken) console.log(JSON.stringify(each))
  console.log(`seed ${seed}, ${parsers} files, ${broken.length} broken`)
  return broken.length === 0
}

async function openIdle(of: TargetName): Promise<boolean> {
  const { held, rss, slowestMs, statuses, perSecond } = await attackIdle({
    of,
    count: idle,
    hold: values.hold
  })
  const [before, after] = rss
  console.log(`${idle} connections, ${Math.round(perSecond)} a second, ${held} open at the most`)
  const each = `${(((after - before) * 1024) / Math.max(1, held)).toFixed(1)} KiB for each of these`
  console.log(`memory of the ${of}: ${mib(before)} before, after them ${mib(after)}, ${each}`)
  console.log(`what must be heard: ${[...statuses]}, the slowest in ${Math.round(slowestMs)} ms`)
  return [...statuses].every((status) => status === 404)
}

async function sendRequests(of: TargetName): Promise<boolean> {
  const began = Date.now()
  const seconds = () => Math.round((Date.now() - began) / 1000)
  const { statuses, raw, broken, crashed, rss } = await attackDaemon({
    ...{ of, count: requests, random },
    tell: (done, memory) => console.error(`${done} of ${requests} in ${seconds()} s, ${mib(memory)}`)
  })
  console.log(`the ${of}, seed ${seed}: ${requests} requests, ${raw} of them raw bytes, in ${seconds()} s`)
  for (const [status, times] of [...statuses].sort(([a], [b]) => a - b))
    console.log(`${status === 0 ? 'cut off' : status}: ${times}`)
  const [early, most, late] = rss.map(mib)
  console.log(`memory: ${early} after a tenth, ${most} at the most after that, ${late} at the end`)
  for (const each of broken) console.log(JSON.stringify(each))
  if (crashed !== null) console.log(`it ended by itself: ${crashed}`)
  return broken.length === 0 && crashed === null
}

const good = parsers > 0 ? readFiles() : idle > 0 ? openIdle(of) : sendRequests(of)
if (!(await good)) process.exitCode = 1
