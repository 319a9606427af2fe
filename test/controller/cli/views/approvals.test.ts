import t from 'tap'
import { approvalsView, approvedView } from '../../../../controller/cli/views/approvals.ts'
import { painter } from '../../../../controller/cli/views/text.ts'
import { approval } from '../../../shared/approvals.ts'

const view = (...all: Parameters<typeof approvalsView>[0]) =>
  approvalsView(all, Date.parse('2026-01-03T00:00:00Z'), painter(false))

t.test('a row each, with what is left or what ended it', async (t) => {
  t.equal(view(), 'No approvals.\n')
  t.match(view(approval()), /waiting {2}alice@example\.org {2}aaaaaaaaaaaa… .* 3h04m left/)
  const revoked = approval({ state: 'revoked', endedBy: 'operate socket', reason: 'no\u001b[2J\nforged' })
  t.match(view(revoked), /operate socket: no forged\n$/)
  t.equal(view(revoked).split('\n').length, 3)
})

t.test('what became of it, or where it is', async (t) => {
  t.match(
    approvedView({ document: '', received: approval() }, undefined),
    /^cinnabar has it: approved by alice/
  )
  t.match(
    approvedView({ document: '', received: null }, '/tmp/a'),
    /^Signed: \/tmp\/a\. On the host: belay-agent/
  )
})
