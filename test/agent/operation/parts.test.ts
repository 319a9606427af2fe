import t from 'tap'
import type { Journal } from '../../../agent/journal/journal.ts'
import { lastLeft } from '../../../agent/operation/drift.ts'
import type { Accepted, Baseline, Event } from '../../../agent/operation/events.ts'
import { journalOfHome } from '../../../agent/operation/journal-of-home.ts'
import { isItsFault, marksAfter } from '../../../agent/operation/marks.ts'
import { partOf, partsOfRequest } from '../../../agent/operation/parts.ts'
import { foldOperation } from '../../../agent/operation/state.ts'
import { excludes } from '../../../agent/operation/store.ts'

const path = (letter: string) => `/nix/store/${letter.repeat(32)}-x`
const home = { user: 'alice', storePath: path('d'), planHash: 'h'.repeat(64) }
const accepted: Accepted = {
  ...{ type: 'accepted', id: 'op', kind: 'activate', profile: 'system', principal: 'operate', reason: null },
  target: { number: null, storePath: path('c') },
  planHash: 's'.repeat(64),
  homes: [home],
  confirm: { by: 'connection', windowSeconds: 60 },
  idempotency: null
}
const baseline = (letter: string, homes?: Record<string, Baseline>): Baseline => ({
  ...{ type: 'baseline', failedUnits: [], ...(homes === undefined ? {} : { homes }) },
  generation: { number: 1, storePath: path(letter) },
  profile: { number: 1, storePath: path(letter) }
})
const moved = (to: 'rolling-back' | 'rolled-back' | 'committed', code?: string): Event => ({
  ...{ type: 'moved', to, reason: 'test' },
  ...(code === undefined ? {} : { code })
})
const way = (
  ['fetching', 'checking', 'arming', 'activating', 'verifying', 'confirming', 'committing'] as const
).map((to): Event => ({ type: 'moved', to, reason: 'test' }))
const recordsOf = (...events: readonly Event[]) =>
  [accepted, ...way.slice(0, 2), baseline('a', { alice: baseline('b') }), ...way.slice(2), ...events].map(
    (event, seq) => ({ seq, event, at: 't', bootId: 'b', monotonicMs: seq, previous: '', hash: '' })
  )
const journalOf = (...events: readonly Event[]): Journal<Event> => ({
  records: recordsOf(...events),
  append: async () => {
    throw new Error('read only')
  },
  close: async () => {}
})

t.test('an operation reads for each profile that it moves, and for no other', async (t) => {
  const state = foldOperation(recordsOf(moved('committed')))
  t.equal(partOf(state, 'system'), state)
  t.equal(partOf(state, 'home:bob'), null)
  t.match(partOf(state, 'home:alice'), {
    accepted: { profile: 'home:alice', target: { storePath: path('d') }, planHash: home.planHash },
    baseline: { generation: { storePath: path('b') } }
  })
  t.notOk(partOf(state, 'home:alice')?.accepted.homes)
  t.same(lastLeft([state], [], 'home:alice'), { running: path('d'), profile: path('d') })
  const back = foldOperation(recordsOf(moved('rolling-back'), moved('rolled-back', 'regression')))
  t.same(lastLeft([back], [], 'home:alice'), { running: path('b'), profile: path('b') })
  t.equal(lastLeft([foldOperation(recordsOf())], [], 'home:alice'), null, 'nobody knows while it moves')
})

t.test(
  'the journal reads for the home as if it were the own; whose fault it was is kept apart',
  async (t) => {
    const journal = journalOf(moved('rolling-back', 'home-failed'), moved('rolled-back', 'home-failed'))
    const stateOf = (atFault: boolean) => foldOperation(journalOfHome(journal, home, atFault).records)
    t.match(stateOf(false), { accepted: { profile: 'home:alice' }, baseline: baseline('b') })
    const marks = (atFault: boolean) =>
      marksAfter([], { state: stateOf(atFault), running: path('b'), number: null }).map((mark) => [
        mark.storePath,
        mark.state
      ])
    t.same(marks(true), [
      [path('d'), 'bad'],
      [path('b'), 'good']
    ])
    t.same(marks(false), [[path('b'), 'good']])
    t.notOk(isItsFault('home-failed'), 'the system is not marked for it')
    const systems = journalOf(moved('rolling-back', 'regression'), moved('rolled-back', 'regression'))
    const other = foldOperation(journalOfHome(systems, home, false).records)
    t.notOk(isItsFault(other.code), 'nor the home for the system')
  }
)

t.test('what moves a home keeps others from it, and a home keeps no system that leaves it out', async (t) => {
  const ask = (
    profile: Accepted['profile'],
    kind: Accepted['kind'] = 'activate',
    homes?: Accepted['homes']
  ) => ({
    ...{ profile, kind, ...(homes === undefined ? {} : { homes }) }
  })
  const alone: Accepted = { ...accepted, profile: 'home:alice', homes: [] }
  t.ok(excludes(accepted, ask('home:alice', 'rollback')))
  t.ok(excludes(accepted, ask('home:bob')))
  t.notOk(excludes(accepted, ask('home:bob', 'rollback')))
  t.notOk(excludes(alone, ask('system')))
  t.ok(excludes(alone, ask('system', 'activate', [home])))
})

t.test('only what can move together is taken', async (t) => {
  const request = { storePath: path('c'), homes: [home] }
  t.same(partsOfRequest(request), [
    { profile: 'system', storePath: path('c') },
    { profile: 'home:alice', storePath: path('d') }
  ])
  t.throws(() => partsOfRequest({ ...request, profile: 'home:bob' }), {
    code: 'invalid-request',
    at: 'homes'
  })
  t.throws(() => partsOfRequest({ ...request, homes: [home, home] }), { message: /alice stands twice/ })
  for (const mode of ['boot', 'auto'] as const)
    t.throws(() => partsOfRequest({ ...request, mode }), { code: 'trial-boot-unavailable', found: mode })
})
