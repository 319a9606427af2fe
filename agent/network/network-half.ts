import { createInterface } from 'node:readline'
import { lookFor } from './answers.ts'
import type { Prometheus } from './prometheus.ts'
import type { Said, Told } from './records.ts'

// The network half: a program of its own, without any right. The agent speaks with it over its standard input and
// output, in lines, and it ends with that conversation. What it is told comes from the agent, and is believed.

const say = (said: Said) => void process.stdout.write(`${JSON.stringify(said)}\n`)
const cancels = new Map<number, AbortController>()
let listener: Promise<Prometheus> | null = null
/** Orders are carried out one after the other. */
let followed: Promise<void> = Promise.resolve()
let giveMetrics: (text: string | null) => void = () => {}

async function check({ id, ...question }: Extract<Told, { type: 'check' }>): Promise<void> {
  const cancel = new AbortController()
  cancels.set(id, cancel)
  const finding = await lookFor(question, cancel.signal)
  cancels.delete(id)
  say({ type: 'finding', id, ...finding })
}

/** What TLS takes is loaded where somebody is to be listened to. */
async function listening(): Promise<Prometheus> {
  const { prometheus } = await import('./prometheus.ts')
  const made = prometheus({
    metrics: () =>
      new Promise((resolve) => {
        giveMetrics = resolve
        say({ type: 'scrape', connections: made.connections() })
      }),
    note: (note) => say({ type: 'note', ...note })
  })
  return made
}

function carryOut(told: Told): void {
  if (told.type === 'check') void check(told)
  else if (told.type === 'cancel') cancels.get(told.id)?.abort(new Error('the agent has given up'))
  else if (told.type === 'metrics') giveMetrics(told.text)
  else {
    const { id, order } = told
    followed = followed.then(async () => {
      listener ??= listening()
      say({ type: 'listening', id, ...(await (await listener).follow(order)) })
    })
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => carryOut(JSON.parse(line) as Told))
  .on('close', () => process.exit(0))
