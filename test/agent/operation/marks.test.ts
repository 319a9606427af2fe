import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Mark } from '../../../agent/operation/marks.ts'
import { assertNotBad, markOf, marksAfter, readMarks, writeMarks } from '../../../agent/operation/marks.ts'
import type { OperationState } from '../../../agent/operation/state.ts'

const path = (n: number) => `/nix/store/${String(n).padStart(32, '0')}-nixos-system`
const ref = (n: number) => ({ number: n, storePath: path(n) })

/** An operation that has ended so. */
function ended(of: {
  kind?: 'activate' | 'rollback'
  phase: OperationState['phase']
  code?: string | null
  target: number
  baseline?: number
  from?: number
}): OperationState {
  const { kind = 'activate', phase, code = null, target, baseline, from } = of
  const generation = baseline === undefined ? null : ref(baseline)
  return {
    accepted: {
      type: 'accepted',
      id: `op-${target}`,
      kind,
      profile: 'system',
      target: { number: null, storePath: path(target) },
      ...(from === undefined ? {} : { from: path(from) }),
      confirm: { by: 'health', windowSeconds: 60 },
      principal: 'operate',
      reason: null,
      idempotency: null
    },
    mode: 'switch',
    phase,
    code,
    reason: 'why',
    baseline: generation && { type: 'baseline', generation, profile: generation, failedUnits: [] },
    activation: { started: true, outcome: null, endedMonotonicMs: null },
    window: null,
    confirmedBy: null,
    rebooted: null,
    retarget: null,
    acceptedAt: 't',
    updatedAt: 't',
    bootId: 'b'
  }
}
const after = (marks: readonly Mark[], state: OperationState, running: number) =>
  marksAfter(marks, { state, running: path(running), number: 9 })
const good = (marks: readonly Mark[]) =>
  marks.filter(({ state }) => state === 'good').map(({ storePath }) => Number(storePath.slice(11, 43)))

t.test('a commit is good and stands before its baseline; the order is that of a rollback', async (t) => {
  const first = after([], ended({ phase: 'committed', target: 2, baseline: 1 }), 2)
  const second = after(first, ended({ phase: 'committed', target: 3, baseline: 2 }), 3)
  t.same(good(second), [3, 2, 1])
  t.match(markOf(second, path(3)), { state: 'good', operation: 'op-3', reason: null })
  t.equal(second[0]?.number, 9)
  t.match(markOf(second, path(4)), { state: 'unproven' })
})

t.test('a rollback makes the candidate bad, until it is committed', async (t) => {
  const marks = after([], ended({ phase: 'rolled-back', code: 'regression', target: 2, baseline: 1 }), 1)
  t.match(markOf(marks, path(2)), { state: 'bad', reason: 'why', code: 'regression', operation: 'op-2' })
  t.throws(() => assertNotBad(marks, path(2)), {
    code: 'known-bad',
    found: { reason: 'why', operation: 'op-2' }
  })
  assertNotBad(marks, path(1))
  const again = after(marks, ended({ phase: 'committed', target: 2, baseline: 1 }), 2)
  t.match(markOf(again, path(2)), { state: 'good' })
})

t.test('what was not its fault leaves no mark', async (t) => {
  for (const code of ['cancelled', 'locked', 'rebooted', 'operation-running', 'profile-moved', 'no-space'])
    t.same(good(after([], ended({ phase: 'rolled-back', code, target: 2, baseline: 1 }), 1)), [1], code)
  for (const phase of ['refused', 'cancelled'] as const)
    t.match(markOf(after([], ended({ phase, target: 2, baseline: 1 }), 1), path(2)), { state: 'unproven' })
  const itself = after([], ended({ phase: 'rolled-back', code: 'regression', target: 1, baseline: 1 }), 1)
  t.same(good(itself), [1], 'the baseline is where one goes back to')
})

t.test('a baseline that is bad stays bad, and what an emergency rollback left is unproven', async (t) => {
  const bad = after([], ended({ phase: 'rolled-back', code: 'regression', target: 2, baseline: 1 }), 1)
  t.match(markOf(after(bad, ended({ phase: 'refused', target: 3, baseline: 2 }), 2), path(2)), {
    state: 'bad'
  })
  const two = after([], ended({ phase: 'committed', target: 2, baseline: 1 }), 2)
  const back = after(two, ended({ kind: 'rollback', phase: 'rolled-back', target: 1, from: 2 }), 1)
  t.same(good(back), [1])
  t.match(markOf(back, path(2)), { state: 'unproven' })
})

t.test(
  'whatever happens, each path stands once, the list is bounded, and bad never crowds out good',
  async () => {
    const operation = fc.record({
      phase: fc.constantFrom('committed' as const, 'rolled-back' as const, 'refused' as const),
      code: fc.constantFrom('regression', 'cancelled'),
      target: fc.integer({ min: 1, max: 400 }),
      baseline: fc.integer({ min: 1, max: 400 })
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 500, size: 'max' }), (operations) => {
        let marks: readonly Mark[] = []
        let last: readonly number[] = []
        for (const each of operations) {
          marks = after(marks, ended(each), each.baseline)
          if (new Set(marks.map(({ storePath }) => storePath)).size !== marks.length) return false
          if (marks.length > 200) return false
          last = good(marks)
          if (each.phase === 'committed' && last[0] !== each.target) return false
        }
        return last.length <= 100
      }),
      { numRuns: 20 }
    )
  }
)

t.test('the file: written and read again, taken over from before, unreadable', async (t) => {
  const dir = t.testdir()
  t.same(await readMarks(dir), [])
  await writeFile(join(dir, 'known-good.json'), JSON.stringify({ generations: [ref(2), ref(1)] }))
  const former = await readMarks(dir)
  t.same(good(former), [2, 1])
  await writeMarks(dir, after(former, ended({ phase: 'committed', target: 3, baseline: 2 }), 3))
  t.same(good(await readMarks(dir)), [3, 2, 1], 'and not asked for again')
  for (const text of [
    '',
    '{',
    '{}',
    '[]',
    'null',
    '{"marks": 1}',
    '{"marks": [1]}',
    '{"marks": [{"storePath": "/a"}]}'
  ]) {
    await writeFile(join(dir, 'marks.json'), text)
    await t.rejects(readMarks(dir), { code: 'journal-corrupt', wanted: /generation number/ }, text)
  }
})
