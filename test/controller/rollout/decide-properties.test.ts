import fc from 'fast-check'
import t from 'tap'
import { isTerminal } from '../../../shared/operation/phase.ts'
import { planOf, rolloutOn } from './play.ts'
import type { SimWorld, Temper } from './world.ts'
import { simWorld } from './world.ts'

const start = Date.parse('2026-03-02T09:00:00Z')
const STAGES = 4

const hostOf = fc.record({
  stage: fc.integer({ min: 0, max: STAGES - 1 }),
  web: fc.boolean(),
  away: fc.boolean(),
  intermittent: fc.boolean(),
  temper: fc.constantFrom<Temper>('good', 'good', 'good', 'bad', 'refuses'),
  seconds: fc.integer({ min: 10, max: 400 })
})
const situation = fc.record({
  hosts: fc.array(hostOf, { minLength: 1, maxLength: 14 }),
  perStage: fc.integer({ min: 1, max: 4 }),
  inAll: fc.integer({ min: 1, max: 5 }),
  budget: fc.integer({ min: 1, max: 3 }),
  soak: fc.integer({ min: 0, max: 10 }),
  minutes: fc.array(
    fc.record({
      host: fc.nat({ max: 13 }),
      what: fc.constantFrom('wakes', 'sleeps', 'retry', 'skip', 'pause', 'resume')
    }),
    { maxLength: 12 }
  )
})
type Given = typeof situation extends fc.Arbitrary<infer T> ? T : never

function yamlOf({ hosts, perStage, inAll, budget, soak }: Given): string {
  const stages = Array.from({ length: STAGES }, (_, at) => {
    return `    - { name: s${at}, select: { tags: [s${at}] }, maxParallel: ${perStage}, soak: ${soak}m }`
  })
  const entries = hosts.map(({ stage, web, intermittent }, at) => {
    const roles = web ? '[web]' : '[]'
    return `  h${at}: { roles: ${roles}, tags: [s${stage}], presence: ${intermittent ? 'intermittent' : 'always'} }`
  })
  const policy = [`  maxParallel: ${inAll}`, `  budgets: [{ role: web, maxUnavailable: ${budget} }]`]
  return ['version: 1', 'rollout:', ...policy, '  stages:', ...stages, 'hosts:', ...entries, ''].join('\n')
}

const moving = (world: SimWorld, names: readonly string[]) =>
  names.filter((name) =>
    world.host(name).operations.some(({ phase }) => !isTerminal(phase) && phase !== 'stuck')
  )

/** Plays a fleet for two hours; `look` judges every moment. */
function play(given: Given, look: (world: SimWorld, sim: ReturnType<typeof rolloutOn>) => void) {
  const world = simWorld(start)
  const plan = planOf(yamlOf(given), start)
  for (const [at, { away, temper, seconds }] of given.hosts.entries()) {
    Object.assign(world.host(`h${at}`), { on: !away, temper, seconds })
  }
  const sim = rolloutOn(world, plan)
  for (let minute = 0; minute < 120; minute++) {
    world.to(start + minute * 60_000)
    const event = given.minutes[Math.floor(minute / 8)]
    if (event !== undefined && minute % 8 === 0 && event.host < given.hosts.length) {
      const name = `h${event.host}`
      if (event.what === 'wakes' || event.what === 'sleeps') world.host(name).on = event.what === 'wakes'
      if (event.what === 'retry') sim.retry(name)
      if (event.what === 'skip') sim.say({ kind: 'skipped', host: name })
      if (event.what === 'pause') sim.say({ kind: 'paused' })
      if (event.what === 'resume') sim.say({ kind: 'resumed' })
    }
    const decision = sim.settle()
    for (const host of decision.hosts) {
      if (host.is === 'waiting' || host.is === 'regressed') {
        if (host.reason === null) throw new Error(`${host.host} waits without a reason`)
      }
    }
    look(world, sim)
  }
}

t.test('limits, order and reasons hold in any fleet, whatever happens to it', async (t) => {
  fc.assert(
    fc.property(situation, (given) => {
      play(given, (world, { plan, records }) => {
        const names = plan.hosts.map(({ name }) => name)
        // A host that fell silent in the middle may have ended; who is counted here is what the world knows.
        const now = moving(world, names)
        if (now.length > given.inAll) throw new Error(`${now.length} under way of ${given.inAll}`)
        for (const stage of plan.stages) {
          const inStage = moving(world, stage.hosts).length
          if (inStage > given.perStage) throw new Error(`${inStage} under way in ${stage.name}`)
        }
        const webs = moving(
          world,
          plan.hosts.filter(({ roles }) => roles.includes('web')).map(({ name }) => name)
        )
        if (webs.length > given.budget) throw new Error(`${webs.length} web hosts under way`)
        // Nothing begins in a stage while an earlier one has not passed.
        const passed = new Set<string>()
        for (const { event } of records) {
          if (event.kind === 'stage-passed') passed.add(event.stage)
          if (event.kind !== 'started') continue
          const at = plan.stages.findIndex(({ hosts }) => hosts.includes(event.host))
          const early = plan.stages.slice(0, at).find(({ name }) => !passed.has(name))
          if (early !== undefined) throw new Error(`${event.host} began before ${early.name} passed`)
        }
      })
    }),
    { numRuns: 150 }
  )
  t.pass('150 fleets of two hours')
})

t.test('no host is changed twice, unless a person asks', async (t) => {
  fc.assert(
    fc.property(situation, (given) => {
      let last: SimWorld | undefined
      const asked = new Map<string, number>()
      play(given, (world, { records }) => {
        last = world
        for (const { event } of records) if (event.kind === 'retried') asked.set(event.host, 0)
        for (const { event } of records) {
          if (event.kind === 'retried') asked.set(event.host, (asked.get(event.host) ?? 0) + 1)
        }
      })
      const counts = Map.groupBy(last?.activations ?? [], ({ host }) => host)
      for (const [host, all] of counts) {
        if (all.length > 1 + (asked.get(host) ?? 0))
          throw new Error(`${host} was changed ${all.length} times`)
      }
    }),
    { numRuns: 100 }
  )
  t.pass('100 fleets of two hours')
})
