import t from 'tap'
import { Value } from 'typebox/value'
import { identityOf, samePlan } from '../../../controller/plan/planner.ts'
import { RolloutPlan } from '../../../shared/api/rollout.ts'
import { planOf } from '../rollout/play.ts'

const start = Date.parse('2026-03-02T09:00:00Z')
const plan = (yaml: string) => planOf(`version: 1\n${yaml}`, start)
const stages = (yaml: string) => plan(yaml).stages.map(({ name, hosts }) => `${name}: ${hosts.join(' ')}`)

t.test('a host belongs to the first stage that selects it; who is left comes last', async (t) => {
  const yaml = `rollout:
  stages:
    - { name: first, select: { roles: [web, db], tags: [canary] } }
    - { name: empty, select: { tags: [nobody] } }
    - { name: macs, select: { platforms: [darwin] } }
hosts:
  a: { roles: [web] }
  b: { roles: [db], tags: [canary] }
  c: { platform: darwin, roles: [web], tags: [canary] }
  d: { platform: darwin }
`
  t.same(stages(yaml), ['first: b c', 'macs: d', 'rest: a'])
  t.match(plan(yaml).hosts, [
    { name: 'a', why: ['no stage selects it, so it comes last'] },
    { name: 'b', why: ['it has the role db and it has the tag canary'] },
    { name: 'c', stage: 'first' },
    { name: 'd', why: ['its platform is darwin'] }
  ])
})

t.test('without stages they follow from the order, and without an order there is one', async (t) => {
  const order = 'rollout: { order: [{ role: a, before: b }, { hosts: [z], after: [y] }] }\n'
  const hosts = 'hosts: { x: { roles: [a] }, y: { roles: [b] }, z: {}, w: {}, v: { roles: [a, b] } }\n'
  t.same(stages(order + hosts), ['step-1: x w v', 'step-2: y', 'step-3: z'])
  t.same(stages(hosts), ['step-1: x y z w v'])
})

t.test('a cycle is refused, and named', async (t) => {
  const cycle = (order: string) => () =>
    plan(`rollout: { order: ${order} }\nhosts: { x: { roles: [a] }, y: { roles: [b] }, z: {} }\n`)
  t.throws(cycle('[{ role: a, before: b }, { role: b, before: a }]'), {
    code: 'invalid-rollout',
    message:
      /contradicts itself: .*x before \(role a before b\) before y before \(role b before a\) before x|y before/
  })
  t.throws(cycle('[{ hosts: [x], after: [y] }, { hosts: [y], after: [z] }, { hosts: [z], after: [x] }]'), {
    message: /: (x before z before y before x|z before y before x before z|y before x before z before y)/
  })
  t.throws(cycle('[{ hosts: [x], after: [x] }]'), { message: /: x before x/ })
  t.doesNotThrow(cycle('[{ hosts: [x], after: [gone] }]'), 'who takes no part keeps nobody waiting')
})

t.test('stages that contradict the order are refused', async (t) => {
  const staged = (order: string) => () =>
    plan(`rollout:
  stages: [{ name: one, select: { hosts: [x] } }, { name: two, select: {} }]
  order: [${order}]
hosts: { x: { roles: [peer] }, y: { roles: [controller] } }
`)
  t.throws(staged('{ hosts: [x], after: [y] }'), {
    code: 'invalid-rollout',
    message: /x must come after y, but its stage one/
  })
  t.throws(staged('{ role: controller, before: peer }'), {
    message: /but x is in stage one and y only in two/
  })
  t.doesNotThrow(staged('{ role: peer, before: controller }'))
})

t.test('the same request is the same plan; its identity covers all of it', async (t) => {
  const yaml = 'version: 1\nhosts: { x: { soak: { minimumDays: 2, reason: it is ours } } }\n'
  const [a, b] = [planOf(yaml, start), planOf(yaml, start)]
  t.same(a, b)
  t.equal([...Value.Errors(RolloutPlan, a)].length, 0)
  t.match(a.hosts, [{ soakSeconds: 172_800, planHash: null, why: [/./, 'it soaks 172800 s: it is ours'] }])
  const later = planOf(yaml, start + 1000, 'new', 2)
  t.not(later.id, a.id)
  t.ok(samePlan(a, later))
  t.notOk(samePlan(a, planOf(yaml, start, 'other')))
  const { id, ...rest } = a
  t.equal(identityOf(rest), id)
  t.not(identityOf({ ...rest, maxParallel: 9 }), id)
})

t.test('ten thousand hosts and a chain of them are planned at once', async (t) => {
  const names = Array.from({ length: 10_000 }, (_, at) => `h${at}`)
  const hosts = names.map((name, at) => `  ${name}: { roles: [${at % 2 ? 'web' : 'db'}] }`).join('\n')
  const edges = names
    .slice(1, 3000)
    .map((name, at) => `    - { hosts: [${name}], after: [h${at}] }`)
    .slice(0, 199)
    .join('\n')
  const began = performance.now()
  const made = plan(`rollout:\n  stages: [{ name: all, select: {} }]\n  order:\n${edges}\nhosts:\n${hosts}\n`)
  t.equal(made.hosts.length, 10_000)
  t.comment(`${Math.round(performance.now() - began)} ms`)
})
