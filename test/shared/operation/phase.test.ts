import t from 'tap'
import type { Phase } from '../../../shared/operation/phase.ts'
import { canMove, isTerminal, phases, transitions } from '../../../shared/operation/phase.ts'

const reachable = (from: Phase, seen = new Set<Phase>()): Set<Phase> => {
  for (const to of transitions[from]) {
    if (!seen.has(to)) reachable(to, seen.add(to))
  }
  return seen
}

t.test('every phase but the first can be reached, and every phase can end', async (t) => {
  const all = reachable('accepted')
  for (const phase of phases) {
    if (phase !== 'accepted') t.ok(all.has(phase), `${phase} is reachable`)
    t.ok(isTerminal(phase) || [...reachable(phase)].some(isTerminal), `${phase} leads to an end`)
  }
})

t.test('refusing and cancelling is for phases that have changed nothing', async (t) => {
  for (const phase of [
    'activating',
    'verifying',
    'confirming',
    'committing',
    'rolling-back',
    'stuck'
  ] as const) {
    t.notOk(canMove(phase, 'refused'))
    t.notOk(canMove(phase, 'cancelled'))
  }
})

t.test('only committing leads to committed, and what has changed the host can be rolled back', async (t) => {
  t.same(
    phases.filter((p) => canMove(p, 'committed')),
    ['committing']
  )
  for (const phase of ['activating', 'verifying', 'confirming', 'committing'] as const) {
    t.ok(canMove(phase, 'rolling-back'), phase)
  }
})
