import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { TellerParts } from '../../../controller/server/teller.ts'
import { teller } from '../../../controller/server/teller.ts'

const message = { title: 'x', text: '', priority: 'high', tags: [] } as const

function world(told: string[] = []) {
  const memory = new Map([['told', JSON.stringify(told)]])
  const [delivered, counted]: [string[], string[]] = [[], []]
  const clock = { ms: 0 }
  const parts: TellerParts = {
    store: {
      recall: (name) => memory.get(name) ?? null,
      remember: (name, value) => void memory.set(name, value)
    },
    notify: () => ({ commands: { mail: { command: ['mail'], perHour: 100 } }, rollouts: ['mail'] }),
    directory: '/',
    run: async (_, { input = '' }) => {
      delivered.push((JSON.parse(input) as { id: string }).id)
      return { code: 0, stdout: '', stderr: '', timedOut: false }
    },
    clock: { now: () => clock.ms, random: () => 0, sleep: async () => {} },
    signal: new AbortController().signal,
    logger: { warn: () => {} },
    metrics: { notified: (result) => counted.push(result) }
  }
  const tell = teller(parts)
  return {
    tell: async (of: string, key: string) => {
      tell({ of, key, message })
      await settled()
    },
    delivered,
    counted,
    clock
  }
}

/** Nothing here waits for anything but the next turn. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await setImmediate()
}

t.test('each once, also across restarts', async (t) => {
  const { tell, delivered } = world(['before'])
  await tell('galena', 'before')
  await tell('galena', 'now')
  await tell('galena', 'now')
  t.same(delivered, ['now'])
})

t.test('a host that never stops leaves the others their place', async (t) => {
  const { tell, delivered, counted, clock } = world()
  for (let count = 0; count < 50; count++) await tell('liar', `liar ${count}`)
  await tell('galena', 'galena 1')
  t.same(delivered, ['liar 0', 'liar 1', 'liar 2', 'liar 3', 'liar 4', 'galena 1'])
  t.equal(counted.filter((result) => result === 'dropped').length, 45)
  clock.ms += 3_600_000 / 5
  await tell('liar', 'later')
  t.equal(delivered.at(-1), 'later')
})
