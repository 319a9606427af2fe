import t from 'tap'
import { decide } from '../../../controller/rollout/decide.ts'
import { foldRecords } from '../../../controller/rollout/state.ts'
import { planOf } from './play.ts'
import { simWorld } from './world.ts'

const start = Date.parse('2026-03-02T09:00:00Z')
const plan = planOf(
  `version: 1
rollout: { maxParallel: 9, stages: [{ name: all, select: {}, maxParallel: 9 }], budgets: [{ role: web, maxUnavailable: 1 }] }
hosts: { electrum: { roles: [web] }, galena: { roles: [web] }, cinnabar: {} }
`,
  start
)

t.test('a host that may reboot is not begun with, and uses up the budget of the others', async (t) => {
  const world = simWorld(start)
  const begun = (outside: ReadonlySet<string>) => {
    const hosts = new Map(plan.hosts.map((host) => [host.name, world.observe(host)]))
    const seen = {
      hosts,
      gates: new Map(),
      holds: new Map<string, string>(),
      active: new Set<string>(),
      outside
    }
    const { actions, hosts: views } = decide({
      ...{ plan, state: foldRecords([]), seen, before: new Map(), now: start }
    })
    const waiting = views.flatMap(({ host, reason }) => (reason === null ? [] : [`${host} ${reason.code}`]))
    return { begun: actions.map(({ host }) => host).sort(), waiting: waiting.sort() }
  }
  t.same(begun(new Set()), { begun: ['cinnabar', 'electrum'], waiting: ['galena budget-used'] })
  t.same(begun(new Set(['electrum'])), {
    begun: ['cinnabar'],
    waiting: ['electrum busy', 'galena budget-used']
  })
  t.same(begun(new Set(['cinnabar'])), {
    begun: ['electrum'],
    waiting: ['cinnabar busy', 'galena budget-used']
  })
})
