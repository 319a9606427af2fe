import { join } from 'node:path'
import t from 'tap'
import type { Decision } from '../../../controller/rollout/decide.ts'
import { untilNews } from '../../../controller/rollout/drive.ts'
import type { EnginePorts } from '../../../controller/rollout/engine.ts'
import { createEngine, idempotencyKey } from '../../../controller/rollout/engine.ts'
import type { Agents } from '../../../controller/rollout/ports.ts'
import { sayTo } from '../../../controller/rollout/words.ts'
import type { Store } from '../../../controller/store/store.ts'
import { openStore } from '../../../controller/store/store.ts'
import { BelayError } from '../../../shared/errors.ts'
import { author, dieAt, portsOf, simAgents, wrong } from './killing.ts'
import { planOf } from './play.ts'
import type { SimWorld } from './world.ts'
import { simWorld } from './world.ts'

const start = Date.parse('2026-03-02T09:00:00Z')
const fleet = `version: 1
rollout:
  stages:
    - { name: canary, select: { hosts: [galena] }, soak: 5m }
    - { name: rest, select: {}, maxParallel: 2 }
hosts: { galena: {}, electrum: {}, scheelite: {}, cinnabar: {} }
`

/** Rounds, with the clock moving on, until the rollout is done or nothing is left to try. */
async function run(world: SimWorld, id: string, ports: EnginePorts, rounds = 400): Promise<Decision> {
  const engine = createEngine(id, ports)
  for (let round = 0; round < rounds; round++) {
    const decision = await engine.round()
    await engine.settle()
    if (decision.status.is === 'done' || decision.status.is === 'halted') return decision
    world.to(world.now() + 20_000)
  }
  throw new Error('the rollout does not end')
}

const names = ['galena', 'electrum', 'scheelite', 'cinnabar']

t.test('a rollout goes through its stages, and everything is recorded before it is done', async (t) => {
  const world = simWorld(start)
  using store = await openStore(t.testdir({}))
  const plan = planOf(fleet, start)
  store.create(plan, author(world), false)
  const agents = simAgents(world, (moment) => {
    const asked = /before asking (.*)/.exec(moment)?.[1]
    if (asked === undefined) return
    const written = store
      .records(plan.id)
      .some(({ event }) => event.kind === 'started' && event.host === asked)
    if (!written) throw new Error(`${asked} was asked before it was written`)
  })
  const decision = await run(world, plan.id, portsOf(world, store, agents))
  t.equal(decision.status.is, 'done')
  t.same(wrong(world, names), [])
  t.equal(store.active(), null)
  t.match(store.views(plan.id).get('status'), { is: 'done' })
  t.equal(store.observations(plan.id).size, 4)
})

t.test('a word that comes as the rollout ends does not end it another way', async (t) => {
  const world = simWorld(start)
  using store = await openStore(t.testdir({}))
  const plan = planOf(fleet, start)
  store.create(plan, author(world), false)
  const racing: Store = {
    ...store,
    plan: (id) => {
      if (store.active() !== null) store.append(id, [{ kind: 'finished' }], author(world))
      return store.plan(id)
    }
  }
  const abort = () => sayTo(racing, plan.id, { word: 'abort', target: undefined, author: author(world) })
  t.throws(abort, { code: 'rollout-ended', message: /has ended: finished/ })
  t.same(
    store.records(plan.id).map(({ event }) => event.kind),
    ['created', 'finished']
  )
})

t.test('a clock that is set back keeps nobody waiting until it is there again', async (t) => {
  const world = simWorld(start)
  using store = await openStore(t.testdir({}))
  const stages = '[{ name: all, select: {}, gatesBefore: [{ name: net, command: [ping] }] }]'
  const plan = planOf(`version: 1\nrollout: { stages: ${stages} }\nhosts: { galena: {} }\n`, start)
  store.create(plan, author(world), false)
  const answers = ['host-unreachable']
  let open = false
  const agents = simAgents(world)
  const ports = portsOf(world, store, {
    ...agents,
    start: async (...asked) => {
      const code = answers.shift()
      if (code) return { is: 'not-begun', asked: true, transient: true, code, text: 'no answer' }
      return await agents.start(...asked)
    }
  })
  const engine = createEngine(plan.id, { ...ports, lookAtGate: async () => ({ open, message: 'shut' }) })
  const round = async () => {
    const { hosts } = await engine.round()
    await engine.settle()
    return hosts[0]?.reason?.code ?? hosts[0]?.is
  }
  const hour = 3_600_000
  world.host('galena').seconds = 0
  world.host('galena').on = false
  t.equal(await round(), 'unreachable')
  world.to(world.now() - hour)
  world.host('galena').on = true
  t.equal(await round(), 'gate-failing', 'the host is looked at')
  world.to(world.now() - hour)
  open = true
  t.equal(await round(), 'moving', 'so is the gate')
  t.equal(await round(), 'backing-off')
  world.to(world.now() - hour)
  t.equal(await round(), 'moving', 'and it is asked again')
  t.equal(await round(), 'done')

  let slept = 0
  const sleep = async () => {
    slept += 1
    world.to(world.now() + (slept === 1 ? -hour : 500))
  }
  const waits = { engine, store, signal: ports.signal, pollMs: 30_000 }
  await untilNews({ ...waits, clock: { ...ports.clock, sleep } }, { wakeAt: null })
  t.equal(slept, 1, 'and the next round comes')
})

t.test(
  'the same plan, with the database lost: what was asked before is no answer to a person now',
  async (t) => {
    const world = simWorld(start)
    const plan = planOf('version: 1\nhosts: { galena: {} }\n', start)
    const life = async (directory: string, retries: number) => {
      const store = await openStore(directory)
      t.teardown(() => store[Symbol.dispose]())
      store.create(plan, author(world), false)
      const again: boolean[] = []
      const agents = simAgents(world)
      const ports = portsOf(world, store, {
        ...agents,
        start: (host, request, ...rest) => {
          again.push(request.again)
          return agents.start(host, request, ...rest)
        }
      })
      await run(world, plan.id, ports)
      for (let i = 0; i < retries; i++) {
        sayTo(store, plan.id, { word: 'retry', target: 'galena', author: author(world) })
        await run(world, plan.id, ports)
      }
      return { again, kinds: store.records(plan.id).map(({ event }) => event.kind) }
    }
    const root = t.testdir({})
    world.host('galena').temper = 'refuses'
    t.same((await life(join(root, 'a'), 0)).again, [false])
    world.host('galena').temper = 'bad'
    const second = await life(join(root, 'b'), 2)
    t.same(second.again, [false, false, true, true], 'what refused may be asked, and is not forced')
    t.equal(second.kinds.filter((kind) => kind === 'key-known').length, 1)
    world.host('galena').temper = 'good'
    const third = await life(join(root, 'c'), 1)
    t.match(third.kinds, [
      'created',
      'failed',
      'retried',
      'started',
      'key-known',
      'started',
      'key-known',
      'started'
    ])
    t.same(third.kinds.at(-1), 'finished')
    t.equal(world.activations.length, 5)
  }
)

for (const loseStore of [false, true]) {
  t.test(
    `killed at every step${loseStore ? ', with the database lost' : ''}, no host is changed twice`,
    async (t) => {
      const moments = new Set<string>()
      for (let step = 1; ; step++) {
        const world = simWorld(start)
        // Planned anew, as after a loss: another identity, so that no key of before can help.
        const planAt = (life: number) => planOf(fleet, world.now(), 'new', life + 1)
        const { died } = await dieAt(t, step, { loseStore, world, planAt })
        t.same(wrong(world, names), [], `killed ${died}`)
        if (died === null) break
        moments.add(died)
        if (step > 200) throw new Error('too many steps')
      }
      for (const wanted of ['before asking cinnabar', 'after asking cinnabar', 'before saving the round']) {
        t.ok(moments.has(wanted), `died ${wanted}`)
      }
      t.ok([...moments].some((moment) => /after writing .*started/.test(moment)))
      t.comment(`${moments.size} different moments`)
    }
  )
}

t.test('a lost database does not try again what went back', async (t) => {
  const world = simWorld(start)
  world.host('galena').temper = 'bad'
  const plan = planOf(fleet, start)
  for (const wanted of ['rolled-back', 'known-bad']) {
    using store = await openStore(t.testdir({}))
    store.create(plan, author(world), false)
    const decision = await run(world, plan.id, portsOf(world, store, simAgents(world)))
    t.match(decision, { status: { is: 'halted', needs: 'person' }, hosts: [{ reason: { code: wanted } }] })
  }
  t.same(
    world.activations.map(({ host }) => host),
    ['galena']
  )
})

t.test('a host that cannot be asked is asked again, later each time, under the same key', async (t) => {
  const world = simWorld(start)
  using store = await openStore(t.testdir({}))
  const plan = planOf('version: 1\nhosts: { galena: {} }\n', start)
  store.create(plan, author(world), false)
  const keys: string[] = []
  const agents: Agents = {
    ...simAgents(world),
    start: async (_, request) => {
      keys.push(request.key)
      return { is: 'not-begun', asked: false, transient: true, code: 'host-unreachable', text: 'no route' }
    }
  }
  const engine = createEngine(plan.id, portsOf(world, store, agents))
  for (let round = 0; round < 60; round++) {
    const decision = await engine.round()
    await engine.settle()
    if (round === 59) t.match(decision.hosts, [{ reason: { code: 'backing-off', text: 'no route' } }])
    world.to(world.now() + 1000)
  }
  t.ok(keys.length >= 4 && keys.length <= 6, `${keys.length} attempts in a minute`)
  t.same([...new Set(keys)], [idempotencyKey(plan.id, 'galena', 1)])
})

t.test('what will never go well halts; what a host throws is an answer too', async (t) => {
  const world = simWorld(start)
  const plan = planOf('version: 1\nhosts: { galena: {} }\n', start)
  const cases: [Agents['start'], RegExp][] = [
    [
      async () => ({
        is: 'not-begun',
        asked: false,
        transient: false,
        code: 'wrong-host',
        text: 'not this one'
      }),
      /refused/
    ],
    [() => Promise.reject(new BelayError('invalid-rollout', 'gone')), /backing-off/]
  ]
  for (const [begin, code] of cases) {
    using store = await openStore(t.testdir({}))
    store.create(plan, author(world), false)
    const engine = createEngine(plan.id, portsOf(world, store, { ...simAgents(world), start: begin }))
    await engine.round()
    await engine.settle()
    t.match((await engine.round()).hosts, [{ reason: { code } }])
  }
})

t.test('a person who says something between look and write is heard', async (t) => {
  const world = simWorld(start)
  using store = await openStore(t.testdir({}))
  const plan = planOf(fleet, start)
  store.create(plan, author(world), false)
  const ports = portsOf(world, store, simAgents(world))
  let said = false
  const late: Store = {
    ...store,
    append(id, events, who, after) {
      if (!said) store.append(id, [{ kind: 'paused' }], { ...author(world), who: 'anna' })
      said = true
      return store.append(id, events, who, after)
    }
  }
  const decision = await createEngine(plan.id, { ...ports, store: late }).round()
  t.match(decision, { status: { is: 'paused' }, actions: [] })
  t.same(world.activations, [])
})

t.test('gates are looked at once they matter, and not at every round', async (t) => {
  const world = simWorld(start)
  using store = await openStore(t.testdir({}))
  const gated = fleet.replace('soak: 5m', 'gatesAfter: [{ name: net, command: [ping] }]')
  const plan = planOf(gated, start)
  store.create(plan, author(world), false)
  const looks: number[] = []
  const ports = portsOf(world, store, simAgents(world))
  const lookAtGate = async () => {
    looks.push(world.now())
    return { open: looks.length > 2, message: 'no peer answers' }
  }
  const decision = await run(world, plan.id, { ...ports, lookAtGate })
  t.equal(decision.status.is, 'done')
  t.equal(looks.length, 3)
})

t.test('a host that is followed is looked at too: when it falls silent, the report says so', async (t) => {
  const world = simWorld(start)
  using store = await openStore(t.testdir({}))
  const plan = planOf(fleet, start)
  store.create(plan, author(world), false)
  const agents = simAgents(world)
  const released = Promise.withResolvers<void>()
  const hanging = async (...args: Parameters<Agents['start']>) => {
    const begun = await agents.start(...args)
    await released.promise
    return begun
  }
  const engine = createEngine(plan.id, portsOf(world, store, { ...agents, start: hanging }))
  await engine.round()
  t.match((await engine.round()).hosts[0], { host: 'galena', is: 'moving', reason: null })
  world.host('galena').on = false
  world.to(world.now() + 40_000)
  const silent = await engine.round()
  t.match(silent.hosts[0], {
    is: 'moving',
    reason: { code: 'unreachable', text: /was begun at .* and does not answer/ }
  })
  t.equal(silent.status.is, 'running')
  world.host('galena').on = true
  world.to(world.now() + 40_000)
  t.match((await engine.round()).hosts[0], { is: 'moving', reason: null }, 'it answers again')
  released.resolve()
  await engine.settle()
  t.match((await engine.round()).hosts[0], { is: 'done' })
})
