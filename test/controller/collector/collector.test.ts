import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { backOff } from '../../../controller/collector/back-off.ts'
import { Collector } from '../../../controller/collector/collector.ts'
import type { HostEvent } from '../../../controller/collector/keeper.ts'
import { Keeper } from '../../../controller/collector/keeper.ts'
import type { Clock } from '../../../controller/deploy/clock.ts'
import { openControllerStore } from '../../../controller/store/controller-store.ts'
import type { OpenTunnel } from '../../../controller/transport/tunnel.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Story } from '../fakes/agent.ts'
import { fakeAgent } from '../fakes/agent.ts'
import { fleetHost } from '../fakes/fleet-host.ts'

/** Waits are noted, and as short as they can be. */
function quick() {
  const slept: number[] = []
  const clock: Clock = {
    now: () => Date.now(),
    random: () => 0.5,
    sleep: async (ms, signal) => {
      slept.push(ms)
      await setTimeout(1, undefined, { signal })
    }
  }
  return { clock, slept }
}

const until = async (test: () => boolean, what: string) => {
  for (let tries = 0; tries < 2000; tries++) {
    if (test()) return
    await setTimeout(5)
  }
  throw new Error(`it never came: ${what}`)
}

async function world(
  t: { teardown(act: () => unknown): void; testdir(): string },
  streams: number,
  story: Story = {}
) {
  const store = await openControllerStore(t.testdir())
  const stop = new AbortController()
  const { clock, slept } = quick()
  const events: HostEvent[] = []
  const keeper = new Keeper(store, clock.now, (event) => events.push(event))
  const agent = fakeAgent({ idle: true, ...story })
  const state = { down: false, opened: 0, open: 0, most: 0 }
  const openTunnel: OpenTunnel = async (host, signal) => {
    if (state.down) throw new BelayError('host-unreachable', 'no route')
    const tunnel = await agent.openTunnel(host, signal)
    state.opened += 1
    state.open += 1
    state.most = Math.max(state.most, state.open)
    const close = async () => {
      state.open -= 1
      await tunnel[Symbol.asyncDispose]()
    }
    return { socketPath: tunnel.socketPath, [Symbol.asyncDispose]: close }
  }
  const collector = new Collector({
    ...{ keeper, openTunnel, clock, signal: stop.signal },
    ...{ pollMs: 60_000, parallel: 2, streams }
  })
  t.teardown(async () => {
    stop.abort()
    await collector.settle()
    store[Symbol.dispose]()
    agent.close()
  })
  return { store, keeper, collector, events, state, slept, stop }
}

const hostsOf = (...names: string[]) => new Map(names.map((name) => [name, fleetHost(name)]))

t.test('the waits grow to ten minutes', async (t) => {
  t.same([0, 1, 2, 3, 20, 9999].map(backOff), [1000, 5000, 10_000, 20_000, 600_000, 600_000])
})

t.test(
  'so many connections as there is room for; the others are asked anew, and few at a time',
  async (t) => {
    const { collector, keeper, state, stop } = await world(t, 1)
    collector.tend(hostsOf('cinnabar', 'electrum', 'galena', 'scheelite'))
    await until(
      () => [...keeper.summaries.values()].filter(({ answers }) => answers).length === 4,
      'all answer'
    )
    await until(() => state.opened > 8, 'they are asked again')
    t.equal([...keeper.summaries.values()].filter(({ streaming }) => streaming).length, 1)
    t.ok(state.most <= 3, `one stays, two at a time: ${state.most}`)
    const lent = await collector.lend(fleetHost('cinnabar'), stop.signal)
    const before = state.opened
    await lent[Symbol.asyncDispose]()
    t.ok(state.opened >= before, 'closing what was lent closes nothing')
    await until(() => keeper.summaries.get('cinnabar')?.streaming === true, 'it still streams')
  }
)

t.test('a host that falls silent is told once, asked less and less, and heard again', async (t) => {
  const { collector, keeper, events, state, slept, store } = await world(t, 0)
  state.down = true
  collector.tend(hostsOf('cinnabar'))
  await until(() => slept.includes(20_000), 'the third wait')
  t.ok(slept.includes(5000) && slept.includes(10_000))
  t.match(keeper.summaries.get('cinnabar'), { answers: false, error: /no route/, answeredAt: null })
  state.down = false
  await until(() => keeper.summaries.get('cinnabar')?.answers === true, 'it answers')
  t.same(
    events.slice(0, 2).map(({ kind }) => kind),
    ['host-silent', 'host-answers']
  )
  keeper.flush()
  t.match(store.host('cinnabar'), { error: null, state: { host: { name: 'cinnabar' } } })
  t.match(store.events(0, 10), [{ kind: 'host-silent' }, { kind: 'host-answers' }])
  keeper.flush()
  const count = store.newestEvent()
  keeper.flush()
  t.equal(store.newestEvent(), count, 'what was written is not written again')
})

t.test('a host that left the fleet is forgotten', async (t) => {
  const { collector, keeper, store } = await world(t, 4)
  collector.tend(hostsOf('cinnabar', 'galena'))
  await until(() => keeper.summaries.size === 2, 'both')
  collector.tend(hostsOf('galena'))
  t.same([...keeper.summaries.keys()], ['galena'])
  keeper.flush()
  store.prune('2000-01-01T00:00:00.000Z', new Set(['galena']))
  t.same(
    [...store.hosts()].map(({ host }) => host),
    ['galena']
  )
})

t.test('a host that lies is as good as silent, and nothing of it is kept', async (t) => {
  const lie = (route: string, truth: unknown) => (route === 'GET /v1/host' ? { name: 'cinnabar' } : truth)
  const { collector, keeper, store } = await world(t, 1, { lie })
  collector.tend(hostsOf('cinnabar'))
  await until(() => keeper.summaries.get('cinnabar')?.answers === false, 'it is looked through')
  t.match(keeper.summaries.get('cinnabar'), { error: /makes no sense here: GET \/v1\/host/ })
  keeper.flush()
  t.equal(store.host('cinnabar')?.state, null)
})

t.test('what was kept and makes no sense keeps nobody from starting', async (t) => {
  const { keeper, store } = await world(t, 0)
  const kept = { lookedAt: 0, answeredAt: 0, error: null, position: null, verdict: null }
  store.saveHosts([{ ...kept, host: 'cinnabar', state: { host: {} } }], [])
  keeper.load(hostsOf('cinnabar'))
  t.match(keeper.summaries.get('cinnabar'), { answers: true, running: null })
  t.equal(keeper.stateOf('cinnabar'), null)
})

t.test('what the disk does not take still waits', async (t) => {
  const saved: number[] = []
  let full = true
  const store = {
    hosts: () => [],
    host: () => null,
    saveHosts: (hosts: Iterable<unknown>, news: readonly unknown[]) => {
      if (full) throw new Error('database or disk is full')
      saved.push([...hosts].length, news.length)
    }
  }
  const keeper = new Keeper(
    store,
    () => 0,
    () => {}
  )
  keeper.silent(fleetHost('cinnabar'), 'no route')
  t.throws(() => keeper.flush(), /full/)
  full = false
  keeper.flush()
  t.same(saved, [1, 1])
})
