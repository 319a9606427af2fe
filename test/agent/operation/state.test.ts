import fc from 'fast-check'
import t from 'tap'
import type { JournalRecord } from '../../../agent/journal/journal.ts'
import type { Event } from '../../../agent/operation/events.ts'
import { foldOperation } from '../../../agent/operation/state.ts'
import { describeEvent } from '../../../agent/operation/watch.ts'
import type { Phase } from '../../../shared/operation/phase.ts'
import { canMove, phases } from '../../../shared/operation/phase.ts'

const accepted: Event = {
  type: 'accepted',
  id: 'op',
  kind: 'activate',
  profile: 'system',
  target: { number: null, storePath: `/nix/store/${'a'.repeat(32)}-nixos-system` },
  confirm: { by: 'connection', windowSeconds: 60 },
  principal: 'operate',
  reason: 'why',
  idempotency: null
}
const journal = (...events: Event[]): JournalRecord<Event>[] =>
  events.map((event, seq) => ({
    seq,
    event,
    at: `t${seq}`,
    bootId: `b${seq}`,
    monotonicMs: seq,
    previous: '',
    hash: ''
  }))
const moved = (to: Phase): Event => ({ type: 'moved', to, reason: `to ${to}` })

t.test('the state is what the journal tells', async (t) => {
  const outcome = { result: 'success', code: 'exited', status: '0' }
  const state = foldOperation(
    journal(
      accepted,
      moved('fetching'),
      moved('checking'),
      moved('arming'),
      moved('activating'),
      { type: 'activation-started', unit: 'u' },
      { type: 'activation-ended', outcome },
      { type: 'moved', to: 'rolling-back', reason: 'bad', code: 'command-failed' }
    )
  )
  t.match(state, {
    phase: 'rolling-back',
    reason: 'bad',
    code: 'command-failed',
    activation: { started: true, outcome, endedMonotonicMs: 6 },
    acceptedAt: 't0',
    updatedAt: 't7',
    bootId: 'b7'
  })
})

t.test('a journal that does not begin with accepted, or has it twice, is corrupt', async (t) => {
  t.throws(() => foldOperation([]), { code: 'journal-corrupt' })
  t.throws(() => foldOperation(journal(moved('fetching'))), { code: 'journal-corrupt' })
  t.throws(() => foldOperation(journal(accepted, accepted)), { code: 'journal-corrupt' })
})

t.test('any walk is folded when the table allows every move, and refused otherwise', async () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...phases), { maxLength: 8 }), (walk) => {
      const legal = walk.every((to, i) => canMove(walk[i - 1] ?? 'accepted', to))
      try {
        return (
          foldOperation(journal(accepted, ...walk.map(moved))).phase === (walk.at(-1) ?? 'accepted') && legal
        )
      } catch {
        return !legal
      }
    }),
    { numRuns: 2000 }
  )
})

t.test('what only a newer agent knows costs nothing but itself', async (t) => {
  const newer = { type: 'paused', by: 'operate' } as unknown as Event
  const state = foldOperation(journal(accepted, moved('fetching'), newer, moved('refused')))
  t.match(state, { phase: 'refused', reason: 'to refused', accepted, updatedAt: 't3' })
  t.equal(describeEvent(newer), 'paused, of a newer agent')
})
