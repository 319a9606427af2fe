import t from 'tap'
import { planRollback } from '../../../controller/plan/rollback.ts'
import { dieAt, wrong } from './killing.ts'
import { planOf, rolloutOn, storePathOf } from './play.ts'
import { simWorld } from './world.ts'

const start = Date.parse('2026-03-02T09:00:00Z')
const fleet = `version: 1
rollout:
  stages:
    - { name: canary, select: { hosts: [galena] }, soak: 5m, approval: true }
    - { name: rest, select: {}, maxParallel: 2, gatesAfter: [{ name: net, command: [ping] }] }
  order: [{ role: dns, before: web }, { hosts: [cinnabar], after: [electrum] }]
  budgets: [{ role: web, maxUnavailable: 1 }]
hosts:
  galena: { roles: [dns] }
  electrum: { roles: [web], windows: [{ from: "01:00", to: "02:00", timeZone: UTC }] }
  scheelite: { roles: [web] }
  cinnabar: {}
`
const names = ['galena', 'electrum', 'scheelite', 'cinnabar']
const baselines = new Map(names.map((name) => [name, storePathOf(name, 'old')]))
const request = {
  of: planOf(fleet, start),
  targets: baselines,
  revision: 2,
  now: start,
  reason: 'it is slow'
}

t.test('the way back is the plan in reverse, to recorded baselines', async (t) => {
  const { of } = request
  const back = planRollback(request)
  t.match(back, { rollbackOf: of.id, revision: 2, note: 'it is slow', budgets: of.budgets })
  t.same(
    back.stages.map(({ name, hosts, soakSeconds, approval, gatesAfter }) => [
      name,
      hosts,
      soakSeconds,
      approval,
      gatesAfter.length
    ]),
    [
      ['rest', ['electrum', 'scheelite', 'cinnabar'], 0, false, 0],
      ['canary', ['galena'], 0, false, 0]
    ]
  )
  t.same(back.order, [{ role: 'web', before: 'dns' }])
  const host = (name: string) => back.hosts.find((each) => each.name === name)
  t.match(host('electrum'), { storePath: storePathOf('electrum', 'old'), windows: [], after: ['cinnabar'] })
  t.match(host('cinnabar'), { after: [] })
  t.same(planRollback(request), back, 'the same again')
})

t.test('homes go back with their system, to what they were; one of which nobody knows stays', async (t) => {
  const home = { user: 'alice', storePath: storePathOf('galena', 'new'), planHash: null }
  const of = { ...request.of, hosts: request.of.hosts.map((host) => ({ ...host, homes: [home] })) }
  const was = { user: 'alice', storePath: storePathOf('galena', 'old') }
  const back = planRollback({ ...request, of, homes: new Map([['galena', [was]]]) })
  t.same(back.hosts.find(({ name }) => name === 'galena')?.homes, [{ ...was, planHash: null }])
  t.equal(back.hosts.find(({ name }) => name === 'cinnabar')?.homes, undefined)
})

t.test('only hosts that have a recorded baseline', async (t) => {
  const one = new Map([['scheelite', storePathOf('scheelite', 'old')]])
  const back = planRollback({ ...request, targets: one })
  t.same(
    back.stages.map(({ hosts }) => hosts),
    [['scheelite']]
  )
  t.same(
    back.hosts.map(({ name }) => name),
    ['scheelite']
  )
  t.throws(() => planRollback({ ...request, targets: new Map() }), { code: 'invalid-rollout' })
})

for (const loseStore of [false, true])
  t.test(
    `killed at every step of the way back${loseStore ? ', its database lost' : ''}: no host twice`,
    async (t) => {
      for (let step = 1; ; step++) {
        const world = simWorld(start)
        for (const name of names) world.host(name).running = storePathOf(name)
        const planAt = (life: number) => planRollback({ ...request, now: world.now(), revision: life + 2 })
        const { died } = await dieAt(t, step, { loseStore, world, planAt })
        t.same(wrong(world, names), [], `killed ${died}`)
        for (const name of names) t.equal(world.host(name).running, storePathOf(name, 'old'))
        if (died === null) break
        if (step > 200) throw new Error('too many steps')
      }
    }
  )

t.test('the baseline that is recorded is what the operation of the rollout replaced', async (t) => {
  const world = simWorld(start)
  const rollout = rolloutOn(world, planOf('version: 1\nhosts: { galena: {} }\n', start))
  world.host('galena').running = storePathOf('galena', 'before')
  rollout.settle()
  world.to(start + 120_000)
  rollout.settle()
  const done = rollout.records.find(({ event }) => event.kind === 'done')
  t.match(done?.event, { host: 'galena', baseline: storePathOf('galena', 'before') })
})
