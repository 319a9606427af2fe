import fc from 'fast-check'
import t from 'tap'
import { bootBefore, judgeReboot } from '../../../../agent/health/soak/reboot.ts'

const now = Date.parse('2026-02-01T12:00:00Z')
const judge = (
  logins: readonly string[],
  system: readonly string[] = [],
  expecting: Parameters<typeof judgeReboot>[1] = null
) => judgeReboot({ logins, system, lastAt: null }, expecting, now)
const login = 'New session c1 of user root.'
const off = 'The system will power off now!'

t.test('which reboots were wanted', async (t) => {
  t.match(judge([login]), { expected: false, cause: /without a shutdown/ })
  t.match(judge([login, off, 'System is powering down.']), { expected: true, cause: /root was logged in/ })
  t.match(judge([login, off, 'Removed session c1.']), { expected: true })
  t.match(judge([login, 'Removed session c1.', off]), { expected: false, cause: /nobody was logged in/ })
  t.match(judge(["New session '3' of user 'alice' with class 'user' and type 'tty'.", off]), {
    expected: true
  })
  t.match(judge(["New session '3' of user 'alice' with class 'manager' and type 'unspecified'.", off]), {
    expected: false
  })
  t.match(judge(['New session c1 of user gdm.', off]), { expected: false })
  t.match(judge(['Power key pressed short.', off]), { expected: true, cause: 'the power key was pressed' })
  t.match(judge([], ['Shutting down.']), { expected: false, cause: /was shut down/ })
  const said = { by: 'operate socket', reason: 'another kernel', at: '2026-02-01T11:00:00Z' }
  t.match(judge([], [], said), { expected: true, cause: 'operate socket: another kernel' })
  t.match(judge([], [], { ...said, at: '2026-01-30T11:00:00Z' }), { expected: false })
})

t.test('no text makes it fail', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.string()),
      fc.array(fc.string()),
      (logins, system) => judge(logins, system).cause.length > 0
    )
  )
})

t.test('of a boot that the journal does not know there is nothing', async (t) => {
  const nothing = await bootBefore('00000000-0000-0000-0000-000000000000')
  t.same(nothing, { logins: [], system: [], lastAt: null })
})
