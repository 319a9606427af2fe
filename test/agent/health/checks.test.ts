import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { parseChecks } from '../../../agent/config/checks.ts'
import { Checks } from '../../../agent/health/checks.ts'
import type { World } from '../../../agent/health/kinds/kind.ts'
import type { Kept } from '../../../agent/health/store.ts'
import { nothingKept } from '../../../agent/health/store.ts'
import type { RunOf } from '../../../agent/health/world.ts'
import type { Sample } from '../../../shared/api/checks.ts'

const places = { stateDirectory: '/var/lib/belay', bootDirectory: '/boot' }
const settings = {
  a: { kind: 'drift', forSeconds: 60 },
  b: { kind: 'drift' },
  c: { kind: 'drift' },
  reboot: { kind: 'unexpected-reboot' },
  far: { kind: 'tcp', host: 'far', port: 1 },
  farther: { kind: 'tcp', host: 'farther', port: 1 },
  farthest: { kind: 'mesh', peers: [{ host: 'far' }] }
}
const same = {
  profile: 'system',
  number: 1,
  storePath: '/a',
  running: '/a',
  booted: '/a',
  bootDefault: '/a'
} as const

function world(kept: Kept = nothingKept) {
  const time = { now: 0, mono: 0 }
  const written: Kept[] = []
  const warned: string[] = []
  const open: { name: string; answer: (drift: boolean) => void }[] = []
  const asked: string[] = []
  let limitReached = () => {}
  const limit = new Promise<void>((resolve) => {
    limitReached = resolve
  })
  let runs = 0
  const bootIds = { now: 'one' }
  const checks = new Checks({
    settings: parseChecks(settings, places),
    clock: { now: () => time.now, monotonicMs: () => time.mono },
    kept,
    write: async (state) => void written.push(structuredClone(state)),
    warn: (_, text) => void warned.push(text),
    // The time of the first run is up when the test says so; that of the others never is.
    after: () => (runs++ === 0 ? limit : new Promise<void>(() => {})),
    world: ({ name, signal, recall, remember }: RunOf) =>
      ({
        ...{ signal, recall, remember, bootId: bootIds.now, now: () => time.now },
        network: () => new Promise(() => asked.push(name)),
        observe: () =>
          new Promise((resolve) => open.push({ name, answer: (drift) => resolve({ ...same, drift }) }))
      }) as unknown as World
  })
  return { checks, time, written, warned, open, asked, limitReached, bootIds }
}

t.test('two at a time, the same one once', async (t) => {
  const w = world()
  const runs = ['a', 'a', 'b', 'c'].map((name) => w.checks.run(name))
  await turn()
  t.same(
    w.open.map(({ name }) => name),
    ['a', 'b'],
    'the third waits'
  )
  w.open[0]?.answer(false)
  t.equal(await runs[0], await runs[1], 'joined')
  await turn()
  t.same(
    w.open.map(({ name }) => name),
    ['a', 'b', 'c']
  )
  for (const { answer } of w.open) answer(true)
  t.match(await Promise.all(runs), [
    { result: 'pass' },
    { result: 'pass' },
    { result: 'fail' },
    { result: 'fail' }
  ])
  await t.rejects(w.checks.run('z'), { code: 'check-unknown', found: 'z' })
})

t.test('what waits for others takes no turn of what the host knows by itself', async (t) => {
  const w = world()
  for (const name of ['far', 'farther', 'farthest']) void w.checks.run(name)
  await turn()
  t.same(w.asked, ['far', 'farther'])
  const run = w.checks.run('a')
  await turn()
  w.open[0]?.answer(false)
  t.match(await run, { name: 'a', result: 'pass' })
})

t.test('a sink gets every sample, and a broken one harms nobody', async (t) => {
  const w = world()
  const samples: Sample[] = []
  w.checks.sinks.push(
    {
      record: () => {
        throw new Error('full')
      }
    },
    { record: (sample) => samples.push(sample) }
  )
  const run = w.checks.run('a')
  await turn()
  w.open[0]?.answer(true)
  t.match(await run, { result: 'fail', failing: false }, 'failing only after its for')
  t.match(samples, [{ check: 'a', result: 'fail' }])
  t.match(w.warned, [/was not recorded/])
})

t.test('what hangs is not started a second time', async (t) => {
  const w = world()
  const run = w.checks.run('a')
  await turn()
  w.limitReached()
  t.match(await run, { result: 'unknown', message: /did not end/ })
  t.match(await w.checks.run('a'), { result: 'unknown', message: 'the run before still hangs' })
  t.equal(w.open.length, 1)
  w.open[0]?.answer(false)
  await turn()
  void w.checks.run('a')
  await turn()
  t.equal(w.open.length, 2, 'once it is gone, it runs again')
})

t.test('where two hang no third one that may is begun, and all others are', async (t) => {
  const begun: unknown[] = []
  const disks = ['one', 'two', 'three'].map((name) => [name, { kind: 'disk', path: `/${name}` }])
  const checks = new Checks({
    settings: parseChecks({ ...Object.fromEntries(disks), drift: { kind: 'drift' } }, places),
    clock: { now: () => 0, monotonicMs: () => 0 },
    kept: nothingKept,
    write: async () => {},
    warn: () => {},
    after: () => delay(20),
    world: () => ({}) as World,
    measures: {
      disk: (options) => () => new Promise(() => begun.push(options)),
      drift: () => async () => ({ result: 'pass', value: null, message: 'as chosen' })
    }
  })
  await Promise.all([checks.run('one'), checks.run('two')])
  t.match(await checks.run('three'), { result: 'unknown', message: '2 other checks hang' })
  t.equal(begun.length, 2)
  t.match(await checks.run('one'), { message: 'the run before still hangs' })
  t.match(await checks.run('drift'), { result: 'pass' })
})

t.test('what matters is kept, at most once a minute, and is known after a restart', async (t) => {
  const w = world()
  const run = async (at: number, drift: boolean, from = w) => {
    from.time.now = from.time.mono = at
    const open = from.open.length
    const state = from.checks.run('a')
    await turn()
    from.open[open]?.answer(drift)
    return state
  }
  await run(1000, true)
  await new Promise((resolve) => setTimeout(resolve, 5))
  t.equal(w.written.length, 1, 'at once the first time')
  await run(2000, false)
  await run(3000, true)
  t.equal(w.written.length, 1, 'then not for a minute')
  await w.checks.close(false)
  t.equal(w.written.length, 2)
  const kept = w.written.at(-1) ?? nothingKept
  const next = world(JSON.parse(JSON.stringify(kept)) as Kept)
  t.match(next.checks.states()[0], { result: 'fail', since: '1970-01-01T00:00:03.000Z' })
  t.match(await run(63_000, true, next), { failing: true, since: '1970-01-01T00:00:03.000Z' })
})

t.test('a reboot is expected when the system was going down', async (t) => {
  let kept = nothingKept
  for (const [bootId, goingDown, wanted] of [
    ['one', true, 'pass'],
    ['two', false, 'pass'],
    ['two', false, 'pass'],
    ['three', true, 'fail']
  ] as const) {
    const w = world(kept)
    w.bootIds.now = bootId
    w.time.now = 1e12
    t.match(await w.checks.run('reboot'), { result: wanted }, `${bootId}: ${wanted}`)
    await w.checks.close(goingDown)
    kept = w.written.at(-1) ?? kept
  }
})

t.test('a check that still runs when the host goes down does not take back that it does', async (t) => {
  const w = world(nothingKept)
  w.time.now = 1e12
  w.bootIds.now = 'one'
  await w.checks.run('reboot')
  const late = w.checks.run('reboot')
  await w.checks.close(true)
  await late
  await w.checks.close(false)
  t.match(w.written.at(-1), { memories: { reboot: { bootId: 'one', orderly: true } } })
})

t.test('writes never meet, and the last one has all', async (t) => {
  const kept: Kept[] = []
  let open = 0
  let most = 0
  const checks = new Checks({
    settings: parseChecks(settings, places),
    clock: { now: () => 1e12, monotonicMs: () => 0 },
    kept: nothingKept,
    write: async (state) => {
      most = Math.max(most, ++open)
      await new Promise((resolve) => setTimeout(resolve, 5))
      kept.push(structuredClone(state))
      open--
    },
    warn: () => {},
    after: () => new Promise<void>(() => {}),
    world: ({ recall, remember }: RunOf) =>
      ({ recall, remember, bootId: 'one', now: () => 1e12 }) as unknown as World
  })
  await checks.run('reboot')
  await new Promise((resolve) => setTimeout(resolve, 2))
  t.equal(open, 1, 'the first is on its way')
  await checks.close(true)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(most, 1)
  t.same(kept.length, 2)
  t.match(kept.at(-1), { memories: { reboot: { bootId: 'one', orderly: true } } })
})

t.test('what failed last is known from the start, whatever could not tell since', async (t) => {
  const standing = (check: string, known: 'pass' | 'fail', result: 'pass' | 'fail' | 'unknown') => ({
    last: { check, at: 0, result, value: null, durationMs: 1, message: '' },
    ...{ since: 0, failedMs: null, failing: false, changes: [], known, flapping: false }
  })
  const standings = {
    a: standing('a', 'fail', 'fail'),
    b: standing('b', 'fail', 'unknown'),
    c: standing('c', 'pass', 'unknown'),
    gone: standing('gone', 'fail', 'fail')
  }
  t.same(world({ ...nothingKept, standings }).checks.failed(), ['a', 'b'])
})
