import t from 'tap'
import type { Seen } from '../../../controller/checklist/judge.ts'
import { judge } from '../../../controller/checklist/judge.ts'
import { checklistView } from '../../../controller/cli/views/checklist.ts'
import { painter } from '../../../controller/cli/views/text.ts'
import { storePath } from '../fakes/fleet-host.ts'

const now = Date.parse('2026-03-20T09:00:00Z')
const path = storePath('b')
const names = ['baseline', 'baseline-boot-entry', 'baseline-secrets', 'second-way', 'window', 'hold']
const checksOf = (results: Readonly<Record<string, string>> = {}) =>
  names.map((name) => ({
    name,
    result: results[name] ?? 'pass',
    code: null,
    evidence: `${name} seen`,
    remedy: null
  }))
const operation = (more: object = {}) => ({
  ...{ kind: 'activate', phase: 'committed', candidate: path, baseline: { number: 1, storePath: path } },
  ...{ updatedAt: '2026-03-10T09:00:00Z', ...more }
})

/** A host with everything in order. */
const seen = (more: object = {}) =>
  ({
    ...{ storePath: path, preflight: { checks: checksOf() }, operations: [operation()] },
    ...{ checks: [{ name: 'disk', failing: false }], approvals: [{ storePath: path, state: 'used' }] },
    generations: [
      { number: 1, knownGood: true, running: false },
      { number: 2, knownGood: true, running: true }
    ],
    caches: [{ cache: 'lan', complete: true, paths: 3, missing: [], message: 'all 3 paths' }],
    ...{ nowMs: now, drillDays: 30, ...more }
  }) as unknown as Seen
const bad = (more: object) => judge(seen(more)).filter(({ result }) => result !== 'pass')

t.test('everything in order, each point with its evidence', async (t) => {
  const items = judge(seen())
  t.equal(items.length, 8)
  t.ok(items.every(({ result, evidence }) => result === 'pass' && evidence.length > 0))
  const view = checklistView({ host: 'cinnabar', storePath: path, ok: true, items }, painter(false))
  t.match(view, /✔ rollback drill +the last passed 10 days ago, wanted within 30/)
})

t.test('a drill counts when it passed, was one, and is not too old', async (t) => {
  const point = [{ name: 'rollback drill', result: 'fail' }]
  t.match(bad({ operations: [] }), point)
  t.match(bad({ operations: [operation({ phase: 'rolled-back' })] }), point)
  t.match(bad({ operations: [operation({ candidate: storePath('c') })] }), point)
  t.match(bad({ operations: [operation({ kind: 'rollback' })] }), point)
  t.match(bad({ drillDays: 9 }), point)
  t.match(
    bad({ operations: [operation({ updatedAt: '2025-01-01T00:00:00Z' }), operation()] }),
    [],
    'the last counts'
  )
})

t.test('each point by itself', async (t) => {
  t.match(bad({ approvals: [{ storePath: storePath('c'), state: 'used' }] }), [{ name: 'plan reviewed' }])
  t.match(bad({ approvals: [{ storePath: path, state: 'waiting' }] }), [])
  for (const state of ['revoked', 'expired'])
    t.match(bad({ approvals: [{ storePath: path, state }] }), [{ point: 'plan-reviewed' }], state)
  t.match(bad({ generations: [{ number: 2, knownGood: true, running: true }] }), [
    { name: 'stable generation kept' }
  ])
  t.match(bad({ checks: [] }), [{ name: 'monitoring' }])
  t.match(bad({ checks: [{ name: 'disk', failing: true }] }), [
    { name: 'monitoring', evidence: 'failing: disk' }
  ])
  t.match(bad({ caches: [] }), [{ name: 'in a cache', result: 'unknown' }])
  t.match(bad({ caches: [{ cache: 'lan', complete: false, message: '1 of 3 missing' }] }), [
    { name: 'in a cache', result: 'fail', evidence: 'lan: 1 of 3 missing' }
  ])
  const withChecks = (results: Readonly<Record<string, string>>) =>
    bad({ preflight: { checks: checksOf(results) } })
  t.match(withChecks({ 'baseline-secrets': 'fail' }), [{ name: 'baseline verified', result: 'fail' }])
  t.match(withChecks({ baseline: 'unknown' }), [{ name: 'baseline verified', result: 'unknown' }])
  t.match(withChecks({ hold: 'fail' }), [{ name: 'window', evidence: 'hold: hold seen' }])
  t.equal(bad({ preflight: { checks: [] } }).length, 3, 'an agent of before knows no such checks')
})
