import t from 'tap'
import type { Decision } from '../../../controller/rollout/decide.ts'
import type { Engine } from '../../../controller/rollout/engine.ts'
import { createEngine } from '../../../controller/rollout/engine.ts'
import { takeBack } from '../../../controller/rollout/take-back.ts'
import { Driver } from '../../../controller/server/driver.ts'
import { openStore } from '../../../controller/store/store.ts'
import { fakeClock } from '../fakes/clock.ts'
import { portsOf, simAgents } from '../rollout/killing.ts'
import { planOf, storePathOf } from '../rollout/play.ts'
import { simWorld } from '../rollout/world.ts'

const author = { at: '2026-03-02T09:00:00.000Z', who: 'anna', why: null }
const decision = (is: Decision['status']['is']): Decision => ({
  ...{ learned: [], actions: [], hosts: [], stages: [], gates: [], wakeAt: null },
  status: { is, needs: null }
})

t.test(
  'a round that fails is made again after a wait, with a new engine, and says why meanwhile',
  async (t) => {
    using store = await openStore(t.testdir({}))
    const plan = planOf('version: 1\nhosts: { galena: {} }\n', 0)
    store.create(plan, author, false)
    const stop = new AbortController()
    const clock = fakeClock()
    const problems: (string | null)[] = []
    let [made, settled] = [0, 0]
    const engineOf = (): Engine => {
      made += 1
      const failing = made <= 2
      return {
        active: new Set(),
        isBeginning: () => false,
        news: () => new Promise(() => {}),
        settle: async () => {
          settled += 1
        },
        round: async () => {
          problems.push(driver.state.problem)
          if (failing) throw new Error('the disk is full')
          store.append(plan.id, [{ kind: 'finished' }], author)
          return decision('done')
        }
      }
    }
    const rounds: string[] = []
    const driver = new Driver({
      ...{ store, engineOf, clock, signal: stop.signal, pollMs: 1000 },
      logger: { info: () => {}, error: () => {} },
      onRound: (rollout, { status }) => {
        rounds.push(`${rollout} ${status.is}`)
        queueMicrotask(() => stop.abort())
      }
    })
    await driver.run()
    t.same(problems, [null, 'the disk is full', 'the disk is full'])
    t.same(clock.slept.slice(0, 2), [1000, 2000], 'longer each time')
    t.same(rounds, [`${plan.id} done`])
    t.same([made, settled], [3, 3], 'what was under way has ended before the next begins')
    t.equal(driver.state.problem, null)
  }
)

t.test('what was under way when a person ended the rollout is recorded, and can be taken back', async (t) => {
  using store = await openStore(t.testdir({}))
  const world = simWorld(Date.parse(author.at))
  const plan = planOf('version: 1\nhosts: { galena: {} }\n', world.now())
  store.create(plan, author, false)
  world.host('galena').running = storePathOf('galena', 'old')
  const stop = new AbortController()
  const agents = simAgents(world)
  const ports = portsOf(world, store, {
    ...agents,
    async start(...asked) {
      store.append(plan.id, [{ kind: 'aborted' }], author)
      const begun = await agents.start(...asked)
      await new Promise(setImmediate)
      world.to(world.now() + 60_000)
      return begun
    }
  })
  const clock = { ...ports.clock, sleep: () => new Promise<void>((done) => setTimeout(done, 5)) }
  const driver = new Driver({
    ...{ store, engineOf: () => createEngine(plan.id, ports), clock, signal: stop.signal, pollMs: 1000 },
    logger: { info: (_: unknown, text?: string) => text === 'it has ended' && stop.abort(), error: () => {} },
    onRound: () => {}
  })
  const past = () => ({
    rollouts: store.rollouts(),
    report: async (id: string) => ({ plan: store.plan(id), records: store.records(id) })
  })
  const wanted = { rollout: undefined, hosts: undefined, reason: 'x', revision: 9, now: world.now() }
  await driver.run()
  const back = await takeBack(past(), wanted)
  t.match(back, { hosts: [{ name: 'galena', storePath: storePathOf('galena', 'old') }] })
})
