import t from 'tap'
import { approvals } from '../../../../agent/cli/views/approvals.ts'
import { approval } from '../../../shared/approvals.ts'

t.test('each state says until when, by what or why', async (t) => {
  t.equal(approvals([]), 'no approvals')
  t.match(approvals([approval()]), /^1{32} {2}waiting until 2026-01-03T/)
  t.match(
    approvals([approval({ state: 'expired', revision: 7 })]),
    /expired since 2026[\s\S]*, revision 7 alone$/
  )
  const used = approval({ state: 'used', endedBy: 'op-1' })
  const revoked = approval({
    state: 'revoked',
    endedBy: 'operate socket',
    reason: 'no\n\u001b[2Jforged  waiting'
  })
  const text = approvals([used, revoked])
  t.match(text, /used by operation op-1/)
  t.match(text, /revoked by operate socket: no forged/)
  t.notOk(text.includes('\u001b'), 'a reason cannot draw on the terminal')
  t.equal(text.split('\n').length, 8)
})
