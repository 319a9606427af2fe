import fc from 'fast-check'
import t from 'tap'
import { judgeReboot } from '../../../../agent/health/soak/reboot.ts'
import {
  judgeMacReboot,
  loggedInAtShutdown,
  shutdownCause
} from '../../../../agent/platform/darwin/boot-before.ts'

/** Written after the manual of last(1) and reports; no Mac was asked. */
const last = (...lines: readonly string[]) => `${lines.join('\n')}\n\nwtmp begins Mon Nov 11 07:00\n`
const reboot = 'reboot time                                Tue Nov 12 08:05'
const shutdown = 'shutdown time                              Tue Nov 12 08:03'
const alice = (end: string) => `alice      console                         Tue Nov 12 07:00 - ${end}  (01:03)`
const inOrder = last(reboot, shutdown, alice('08:03'))

t.test('why a Mac went down', async (t) => {
  t.same(judgeMacReboot(inOrder, 5), {
    expected: true,
    cause: 'shut down while alice was logged in (previous shutdown cause 5)'
  })
  t.match(judgeMacReboot(inOrder, null), { expected: true })
  t.match(judgeMacReboot(last(reboot, shutdown, alice('07:30')), 5), {
    expected: false,
    cause: /nobody was logged in/
  })
  t.match(judgeMacReboot(last(reboot, alice('crash'), reboot), null), {
    expected: false,
    cause: /without a shutdown/
  })
  t.match(judgeMacReboot(inOrder, 0), { expected: false, cause: /power was lost/ })
  t.match(judgeMacReboot(inOrder, 3), { expected: false, cause: /button was held/ })
  t.match(judgeMacReboot(inOrder, -60), { expected: false, cause: /hardware.*-60/ })
  t.match(judgeMacReboot(null, null), { expected: false, cause: /neither last nor the log/ })
  t.match(judgeMacReboot(null, 5), { expected: false, cause: /nobody was logged in/ })
  fc.assert(
    fc.property(
      fc.string(),
      fc.option(fc.integer()),
      (text, cause) => judgeMacReboot(text, cause).cause.length > 0
    )
  )
})

t.test('who was logged in until then', async (t) => {
  t.equal(loggedInAtShutdown(inOrder), 'alice')
  t.equal(loggedInAtShutdown(last(reboot, shutdown, alice('shutdown'))), 'alice')
  t.equal(loggedInAtShutdown(last(reboot, shutdown, reboot, alice('08:03'))), null, 'of another boot')
  t.equal(loggedInAtShutdown(last(reboot, alice('08:03'))), null)
})

t.test('the number of the kernel', async (t) => {
  const record = (text: string) => `head\n{"eventMessage":"${text}","processImagePath":"/kernel"}\n`
  t.equal(shutdownCause(record('Previous shutdown cause: 5')), 5)
  t.equal(shutdownCause(record('Previous shutdown cause: -128')), -128)
  t.equal(shutdownCause(record('something else: 5')), null)
  t.equal(shutdownCause(''), null)
})

t.test('a word before it counts for more', async (t) => {
  const told = judgeMacReboot(null, 3)
  const before = { logins: [], system: [], lastAt: null, told }
  const now = Date.parse('2026-02-01T12:00:00Z')
  t.same(judgeReboot(before, null, now), told)
  const said = { by: 'operate socket', reason: 'an update', at: '2026-02-01T11:00:00Z' }
  t.match(judgeReboot(before, said, now), { expected: true, cause: 'operate socket: an update' })
})
