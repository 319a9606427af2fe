import { mkdirSync } from 'node:fs'
import t from 'tap'
import { assertMayGoBack } from '../../../agent/operation/known-good.ts'
import { writeMarks } from '../../../agent/operation/marks.ts'
import type { OperationState } from '../../../agent/operation/state.ts'
import { path } from '../security/keys.ts'

const [good, bad, baseline, other] = ['g', 'b', 'a', 'x'].map((letter) => path(letter)) as [
  string,
  string,
  string,
  string
]
const states = [{ baseline: { generation: { number: 1, storePath: baseline } } }] as OperationState[]
const mark = { reason: null, code: null, operation: 'op', at: '2026-01-01T00:00:00Z', number: 1 }
const from = (role?: 'operate' | 'admin') => ({
  ...{ principal: 'somebody', connectedMonotonicMs: 0 },
  ...(role === undefined ? {} : { role })
})

t.test('where revisions must grow, the operate role goes back to what was recorded alone', async (t) => {
  const marks = t.testdir({})
  mkdirSync(marks, { recursive: true })
  await writeMarks(marks, [
    { ...mark, storePath: good, state: 'good' },
    { ...mark, storePath: bad, state: 'bad' }
  ])
  const approval = { required: 'always', revision: 'required' }
  const go = (storePath: string, role?: 'operate' | 'admin', change: object = {}) =>
    assertMayGoBack(
      { number: 3, storePath },
      { approval: { ...approval, ...change } } as Parameters<typeof assertMayGoBack>[1],
      { caller: from(role), marks, states }
    )
  await go(good, 'operate')
  await go(baseline, 'operate')
  await go(other, 'admin')
  for (const role of ['operate', undefined] as const)
    for (const storePath of [bad, other])
      await t.rejects(go(storePath, role), { code: 'rollback-not-known-good', found: storePath })
  await go(other, 'operate', { revision: 'optional' })
  await go(other, 'operate', { required: 'never' })
})
