import t from 'tap'
import { parseSettings } from '../../../../agent/config/settings.ts'
import type { Worker } from '../../../../agent/health/history/history.ts'
import { History } from '../../../../agent/health/history/history.ts'
import type { Done, Work } from '../../../../agent/health/history/job.ts'
import type { Sample } from '../../../../shared/api/checks.ts'

const done: Done = { aside: null, bytes: 42, samples: [], hours: [], soak: {} }
const sample = (at: number): Sample => ({
  ...{ check: 'disk', at, result: 'pass', value: Number.NaN, durationMs: 1.4, message: 'm'.repeat(9000) }
})

function historyWith(worker: Worker) {
  const works: Work[] = []
  const logged: string[] = []
  const clock = { ms: 1000 }
  const log = (_: unknown, text?: string) => void logged.push(text ?? String(_))
  const history = new History({
    settings: parseSettings('{}', 'test'),
    logger: { warn: log, info: log } as never,
    monotonicMs: () => clock.ms,
    worker: async (work) => {
      works.push(work)
      return worker(work)
    }
  })
  return { history, works, logged, clock }
}

t.test('samples wait together and are written once, within bounds', async (t) => {
  const { history, works, clock } = historyWith(async () => done)
  history.tick()
  await new Promise(setImmediate)
  t.match(works, [{ verify: true, tend: true, write: [] }], 'the file is looked at when the agent starts')
  history.add(sample(1))
  history.tick()
  t.equal(works.length, 1)
  clock.ms += 5 * 60_000
  history.add(sample(2))
  history.tick()
  await history.ask({ type: 'hours', check: 'disk', interval: { from: 0, to: 1 }, limit: 1 })
  t.same(
    works.map(({ write, verify, tend }) => [write.length, verify, tend]),
    [
      [0, true, true],
      [2, false, false],
      [0, false, false]
    ]
  )
  t.match(works[1]?.write[0], { value: null, durationMs: 1 })
  t.equal(works[1]?.write[0]?.message.length, 500)
  t.match(history.state, { bytes: 42, waiting: 0, dropped: 0, writable: true })
})

t.test('F17: a disk that does not answer costs samples in the end, and nothing else', async (t) => {
  const stuck = Promise.withResolvers<Done>()
  const { history, works } = historyWith(() => stuck.promise)
  for (let i = 0; i < 6000; i++) {
    history.add(sample(i))
    history.tick()
  }
  await Promise.resolve()
  t.equal(works.length, 1, 'one process, however long it takes')
  t.match(history.state, { waiting: 5000, dropped: 1000 })
  const asked = Array.from({ length: 6 }, () =>
    history.ask({ type: 'hours', check: 'disk', interval: { from: 0, to: 1 }, limit: 1 })
  )
  const refused = await Promise.all(
    asked.slice(3).map((each) => each.then(String, (error: { code: string }) => error.code))
  )
  t.same(refused, ['too-many-streams', 'too-many-streams', 'too-many-streams'])
  stuck.resolve(done)
  await Promise.all(asked.slice(0, 3))
  t.match(history.state, { waiting: 0, dropped: 1000 })
})

t.test('after a failure it is tried ever more seldom, said once, and nothing is lost', async (t) => {
  let broken = true
  const { history, works, logged, clock } = historyWith(async () => {
    if (broken) throw new Error('no space left')
    return done
  })
  history.add(sample(1))
  for (let minute = 0; minute < 120; minute++) {
    clock.ms += 60_000
    history.tick()
    await new Promise(setImmediate)
  }
  t.ok(works.length >= 5 && works.length <= 8, `${works.length} attempts in two hours`)
  t.match(history.state, { waiting: 1, writable: false })
  t.same(logged, ['the history is not written; its samples wait'])
  broken = false
  await history.flush()
  t.match(history.state, { waiting: 0, writable: true })
  t.match(logged, [String, 'the history is written again'])
})

t.test('a history that was begun anew is told', async (t) => {
  const { history, logged } = historyWith(async () => ({ ...done, aside: '/x.damaged-1' }))
  history.add(sample(1))
  await history.flush()
  t.match(history.state, { begunAnew: 1, aside: '/x.damaged-1' })
  t.match(logged, [/moved aside and begins empty/])
})
