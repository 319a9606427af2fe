import type { Test } from 'tap'
import t from 'tap'
import { planRollback } from '../../../controller/plan/rollback.ts'
import { openControllerStore } from '../../../controller/store/controller-store.ts'
import type { RolloutPlan } from '../../../shared/api/rollout.ts'
import { planOf, storePathOf } from '../rollout/play.ts'

const DAY = 86_400_000
const start = Date.parse('2026-01-01T00:00:00Z')
const iso = (day: number) => new Date(start + day * DAY).toISOString()
const at = (day: number) => ({ at: iso(day), who: 'anna@stibnite', why: 'flake update' })
const planned = (revision: number) =>
  planOf('version: 1\nhosts: { galena: {} }\n', 0, `g${revision}`, revision)

/** Rollouts of revision 1, 2, …, one a day, each ended on the day on which it began; the last may go on. */
async function storeWith(t: Test, plans: readonly RolloutPlan[], open = false) {
  const store = await openControllerStore(t.testdir({}))
  t.teardown(() => store[Symbol.dispose]())
  for (const [day, plan] of plans.entries()) {
    store.create(plan, at(day), false)
    store.saveRound(plan.id, new Map([['status', { is: 'waiting' }]]), [])
    store.append(plan.id, [{ kind: 'skipped', host: 'galena' }], at(day))
    if (!open || day < plans.length - 1) store.append(plan.id, [{ kind: 'finished' }], at(day))
  }
  const revisions = () => store.rollouts().map(({ revision }) => revision)
  return { store, revisions }
}

t.test('what ended long ago goes, with its records; the newest stay however old', async (t) => {
  const plans = [1, 2, 3, 4, 5].map(planned)
  const { store, revisions } = await storeWith(t, plans)
  t.same(
    store.pruneRollouts({ days: 10, atLeast: 1 }, start + 10 * DAY),
    [],
    'nothing is older than ten days'
  )
  t.same(store.pruneRollouts({ days: 10, atLeast: 1 }, start + 11.5 * DAY), [plans[1]?.id, plans[0]?.id])
  t.same(revisions(), [5, 4, 3])
  t.same(store.records(plans[0]?.id ?? ''), [])
  t.same(store.views(plans[0]?.id ?? '').size, 0)
  t.throws(() => store.plan(plans[0]?.id ?? ''), { code: 'rollout-unknown' })
  t.equal(store.records(plans[2]?.id ?? '').length, 3, 'the others are whole')
  t.same(store.pruneRollouts({ days: 10, atLeast: 2 }, start + 9999 * DAY), [plans[2]?.id])
  store.pruneRollouts({ days: 1, atLeast: 1 }, start + 9999 * DAY)
  t.same(revisions(), [5], 'the last is never deleted')
})

t.test('what persons decided about it stays in the audit, and the deletion stands there', async (t) => {
  const plans = [1, 2].map(planned)
  const { store } = await storeWith(t, plans)
  store.pruneRollouts({ days: 1, atLeast: 1 }, start + 100 * DAY)
  store.prune(iso(99), new Set())
  const about = store.audit(null, 100).filter(({ subject }) => subject.startsWith(plans[0]?.id ?? 'x'))
  t.match(about, [
    { action: 'rollout deleted', principal: 'retention', reason: /revision 1, ended 2026-01-01/ },
    { action: 'rollout skipped', principal: 'anna@stibnite', reason: 'flake update' },
    { action: 'rollout created' }
  ])
})

t.test('never one that has not ended, nor what could be taken back', async (t) => {
  const going = await storeWith(t, [1, 2].map(planned), true)
  going.store.pruneRollouts({ days: 1, atLeast: 1 }, start + 9999 * DAY)
  t.same(going.revisions(), [2, 1], 'the one that has ended is the newest that has')

  const [first, second] = [planned(1), planned(2)]
  const targets = new Map([['galena', storePathOf('galena', 'g1')]])
  const back = (revision: number) => planRollback({ of: second, targets, revision, now: start, reason: 'x' })
  const taken = await storeWith(t, [first, second, back(3), back(4)])
  t.same(taken.store.pruneRollouts({ days: 1, atLeast: 1 }, start + 9999 * DAY), [first.id])
  t.same(taken.revisions(), [4, 3, 2], 'the newest that brought something, and the ways back from it')
})

t.test('a failure in the middle deletes nothing of that rollout', async (t) => {
  const directory = t.testdir({})
  const { openDatabase } = await import('../../../controller/store/open.ts')
  using store = await openControllerStore(directory)
  const plans = [1, 2].map(planned)
  for (const [day, plan] of plans.entries()) {
    store.create(plan, at(day), false)
    store.append(plan.id, [{ kind: 'finished' }], at(day))
  }
  const database = await openDatabase(directory)
  database.exec(
    "CREATE TRIGGER full BEFORE DELETE ON rollouts BEGIN SELECT raise(ABORT, 'disk is full'); END"
  )
  database.close()
  t.throws(() => store.pruneRollouts({ days: 1, atLeast: 1 }, start + 99 * DAY), /disk is full/)
  t.equal(store.records(plans[0]?.id ?? '').length, 2)
  t.equal(store.audit(null, 100).length, 2)
})

t.test('locks of hosts leave the audit with the events, those that a person took away do not', async (t) => {
  const { store } = await storeWith(t, [])
  const by = (name: string) => ({ name, role: 'propose', transport: 'tls', request: null })
  // As the API calls them.
  for (const way of ['token', 'certificate', 'host certificate']) {
    store.lock({ host: 'galena', group: 'web', at: iso(0) }, by(`${way} galena`))
    store.unlock('galena', iso(1), by(`${way} galena`))
  }
  store.lock({ host: 'electrum', group: 'web', at: iso(1) }, by('token electrum'))
  store.unlock('electrum', iso(2), by('token anna'))
  store.tell({ at: iso(0), kind: 'host-silent', host: 'galena', rollout: null, data: {} })
  store.tell({ at: iso(1), kind: 'host-answers', host: 'galena', rollout: null, data: {} })
  store.prune(iso(50), new Set())
  t.match(store.audit(null, 10), [{ action: 'reboot unlock', principal: 'token anna', subject: 'electrum' }])
  t.equal(store.audit(null, 10).length, 1)
  t.match(store.events(0, 10), [{ seq: 2 }], 'the newest event stays: readers go on behind it')
  t.equal(store.newestEvent(), 2)
})
