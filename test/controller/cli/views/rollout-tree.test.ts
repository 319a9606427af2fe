import t from 'tap'
import type { Tree } from '../../../../controller/cli/views/rollout-tree.ts'
import { renderTree } from '../../../../controller/cli/views/rollout-tree.ts'
import { painter } from '../../../../controller/cli/views/text.ts'
import type { HostView } from '../../../../controller/rollout/views.ts'

const now = Date.parse('2026-03-02T09:10:00Z')
const host = (name: string, more: Partial<HostView> = {}): HostView => ({
  host: name,
  stage: 'one',
  is: 'done',
  attempt: 1,
  reason: null,
  soakUntil: null,
  ...more
})
const reason = {
  code: 'held',
  since: '2026-03-02T09:00:00Z',
  text: 'it\u001b[2J travels\n',
  unblock: 'an end'
} as const
const tree: Tree = {
  plan: { id: 'r-000000000000', revision: 7 },
  status: { is: 'waiting', needs: 'person' },
  stages: [
    {
      name: 'one',
      is: 'open',
      done: 1,
      total: 4,
      because: { code: 'waiting-for-soak', text: 'a while', unblock: 'time' }
    },
    { name: 'two', is: 'later', done: 0, total: 0, because: null }
  ],
  hosts: [
    host('cinnabar', { soakUntil: '2026-03-02T09:12:05Z' }),
    host('galena', { is: 'moving', attempt: 2 }),
    host('electrum', { is: 'waiting', reason }),
    host('stibnite', { is: 'regressed', reason: { ...reason, code: 'rolled-back' } })
  ],
  steps: new Map([['galena', { step: 'verifying', message: 'units', sinceMs: now - 3000 }]])
}

t.test('stages with their hosts, each with where it is or why it waits', async (t) => {
  t.same(renderTree(tree, { now }, painter(false)), [
    'rollout r-000000000000  revision 7  waiting, needs a person',
    '▸ one  1/4  waiting-for-soak: a while',
    '   ✔ cinnabar  done, watched for 2m05s more',
    '   ⠋ galena    attempt 2: verifying  3s  units',
    '   · electrum  held 10m00s  it travels  → an end',
    '   ✖ stibnite  rolled-back 10m00s  it travels  → an end',
    '· two  0/0'
  ])
})

t.test('no line is wider and no tree higher than the terminal', async (t) => {
  const many = Array.from({ length: 80 }, (_, at) => host(`h${at}`, { is: 'waiting', reason }))
  for (const columns of [20, 40, 80]) {
    const lines = renderTree(
      { ...tree, hosts: [...tree.hosts, ...many] },
      { now, columns, rows: 12 },
      painter(false)
    )
    t.ok(lines.length < 12, `${lines.length} lines`)
    for (const line of lines.slice(1, -1)) t.ok(line.length <= columns, `${columns}: ${line}`)
    t.match(lines.at(-1), /and \d+ more lines/)
  }
})

t.test('stages that are over take one line where there is no room', async (t) => {
  const over = Array.from({ length: 20 }, (_, at) => host(`h${at}`, { stage: 'zero' }))
  const stages = [{ name: 'zero', is: 'passed', done: 20, total: 20, because: null } as const, ...tree.stages]
  const lines = renderTree(
    { ...tree, stages, hosts: [...over, ...tree.hosts] },
    { now, columns: 80, rows: 12 },
    painter(false)
  )
  t.same(lines.slice(1, 4), [
    '✔ zero  20/20',
    '▸ one  1/4  waiting-for-soak: a while',
    '   ✔ cinnabar  done, watched for 2m05s more'
  ])
})
