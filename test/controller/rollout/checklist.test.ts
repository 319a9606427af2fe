import type { Test } from 'tap'
import t from 'tap'
import { planRollback } from '../../../controller/plan/rollback.ts'
import type { EnginePorts } from '../../../controller/rollout/engine.ts'
import { createEngine } from '../../../controller/rollout/engine.ts'
import { openStore } from '../../../controller/store/store.ts'
import { author, portsOf, simAgents } from './killing.ts'
import { planOf } from './play.ts'
import { simWorld } from './world.ts'

const start = Date.parse('2026-03-02T09:00:00Z')
const fleet = `version: 1
rollout:
  require: [{ select: { roles: [web] }, points: [ci], drillWithin: 7d }]
  stages:
    - { name: canary, select: { hosts: [galena] } }
    - { name: production, select: {}, maxParallel: 3, require: [drill, plan-reviewed], drillWithin: 14d }
hosts: { galena: {}, electrum: {}, cinnabar: { roles: [web] } }
`

/** An engine of which each round is a minute after the one before. */
async function driven(t: Test, more: Partial<EnginePorts>, yaml = fleet) {
  const world = simWorld(start)
  const store = await openStore(t.testdir({}))
  t.teardown(() => store[Symbol.dispose]())
  const plan = planOf(yaml, start)
  store.create(plan, author(world), false)
  const engine = createEngine(plan.id, { ...portsOf(world, store, simAgents(world)), ...more })
  return {
    ...{ world, plan },
    async round() {
      const decision = await engine.round()
      await engine.settle()
      world.to(world.now() + 60_000)
      return decision
    }
  }
}

t.test('what each host needs is in the plan, the strictest of all that ask', async (t) => {
  const { plan } = await driven(t, {})
  t.same(
    plan.hosts.map(({ name, require }) => [name, require]),
    [
      ['galena', undefined],
      ['electrum', { points: ['drill', 'plan-reviewed'], drillSeconds: 14 * 86_400 }],
      ['cinnabar', { points: ['drill', 'plan-reviewed', 'ci'], drillSeconds: 14 * 86_400 }]
    ]
  )
  const drills = fleet.replace('points: [ci]', 'points: [ci, drill]')
  t.match((await driven(t, {}, drills)).plan.hosts[2], { require: { drillSeconds: 7 * 86_400 } })
  const targets = new Map(plan.hosts.map(({ name, storePath }) => [name, storePath]))
  const back = planRollback({ of: plan, targets, revision: 2, now: start, reason: 'slow' })
  t.same(
    back.hosts.flatMap((host) => host.require ?? []),
    [],
    'nothing is in the way of the way back'
  )
})

t.test('a stage does not begin while one of its hosts lacks a point, and says which', async (t) => {
  const looks: string[] = []
  let missing = 'it lacks drill (none is known: belay-agent drill)'
  const { world, round } = await driven(t, {
    lookAtChecklist: async ({ name }) => {
      looks.push(name)
      const open = name !== 'cinnabar' || missing === ''
      return { open, message: open ? 'complete' : missing }
    }
  })
  await round()
  t.same(looks, [], 'the canary needs nothing, and the next stage is not looked at yet')
  await round()
  const decision = await round()
  t.match(decision, { status: { is: 'waiting', needs: 'person' }, actions: [] })
  t.match(
    decision.hosts.filter(({ host }) => host !== 'galena').map(({ reason }) => reason),
    [
      {
        code: 'checklist-incomplete',
        text: 'checklist of cinnabar, without which stage production does not begin: it lacks drill (none is known: belay-agent drill)',
        unblock: /^the evidence; belay checklist cinnabar --path \/nix\/store\//
      },
      { code: 'checklist-incomplete', text: /checklist of cinnabar/ }
    ],
    'the other host of the stage waits too'
  )
  t.same(
    world.activations.map(({ host }) => host),
    ['galena']
  )
  missing = ''
  for (let more = 0; more < 6; more++) await round()
  t.same(world.activations.map(({ host }) => host).sort(), ['cinnabar', 'electrum', 'galena'])
})

t.test('a host that is away keeps nobody; one that nobody looks at begins nothing', async (t) => {
  const away = await driven(t, { lookAtChecklist: async () => ({ open: true, message: 'complete' }) })
  away.world.host('cinnabar').on = false
  for (let more = 0; more < 4; more++) await away.round()
  t.same(away.world.activations.map(({ host }) => host).sort(), ['electrum', 'galena'])

  const nobody = await driven(t, {})
  for (let more = 0; more < 4; more++) await nobody.round()
  t.same(
    nobody.world.activations.map(({ host }) => host),
    ['galena']
  )
})
