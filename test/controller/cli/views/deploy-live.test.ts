import t from 'tap'
import type { HostLine } from '../../../../controller/cli/views/deploy-live.ts'
import { liveView, nextLine, renderBlock } from '../../../../controller/cli/views/deploy-live.ts'
import { painter } from '../../../../controller/cli/views/text.ts'
import type { DeployEvent, HostResult } from '../../../../controller/deploy/events.ts'

const paint = painter(false)
const at = '2026-01-01T12:00:00Z'
const fresh: HostLine = {
  host: 'cinnabar',
  step: 'waiting',
  reached: 0,
  message: '',
  startedMs: null,
  result: null
}
const result: HostResult = {
  host: 'cinnabar',
  outcome: 'rolled-back',
  reason: 'the deadline passed\nlog',
  code: 'deadline',
  storePath: null,
  operation: 'op',
  seconds: 65
}
const view = { now: 3000, columns: 80, rows: 24 }
const step = (name: 'verifying' | 'rolling-back', message: string): DeployEvent => ({
  type: 'step',
  at,
  host: 'cinnabar',
  step: name,
  message
})

t.test('a line shows spinner, host, bar, phase, time and last message', (t) => {
  const line = nextLine(fresh, step('verifying', 'looking at units'), 1000)
  t.same(renderBlock([line], view, paint), ['⠋ cinnabar  ▰▰▰▰▰▱▱▱  verifying         2s  looking at units'])
  const back = nextLine(line, step('rolling-back', 'sshd failed'), 2000)
  t.match(renderBlock([back], view, paint), [/▰▰▰▰▰▱▱▱ {2}rolling-back/], 'the bar stays where it was')
  const end = nextLine(back, { type: 'result', at, result }, 2500)
  t.same(renderBlock([end], view, paint), ['↩ cinnabar  ▰▰▰▰▰▱▱▱  rolled-back    1m05s  the deadline passed'])
  t.end()
})

t.test('no line is wider and no block higher than the terminal', (t) => {
  const long = nextLine(fresh, step('verifying', 'x\u001b[2J'.repeat(200)), 0)
  for (const columns of [10, 40, 60]) {
    const [line = ''] = renderBlock([long], { ...view, columns }, paint)
    t.ok(line.length < columns, `${columns} columns`)
  }
  const done = nextLine(fresh, { type: 'result', at, result }, 0)
  const many = [...Array(50).fill(done), { ...long, host: 'busy' }]
  const block = renderBlock(many, { ...view, rows: 10 }, paint)
  t.equal(block.length, 8)
  t.match(block[0], 'busy')
  t.equal(block.at(-1), '… and 44 more; 50 of 51 have ended')
  t.end()
})

t.test('the block is redrawn in place and the cursor comes back', (t) => {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const live = liveView(['a', 'b'], { write, columns: () => 80, rows: () => 24, now: () => 0 }, paint)
  live.event({ type: 'note', at, host: 'a', message: 'hello' })
  live.event({ type: 'output', at, host: 'b', line: 'there' })
  live.close()
  t.ok(text.startsWith('\u001b[?25l'))
  t.match(text, '\u001b[2A\r\u001b[J', 'two lines up')
  t.match(text, /hello\n.*there\n/)
  t.ok(text.endsWith('\u001b[?25h'))
  t.end()
})
