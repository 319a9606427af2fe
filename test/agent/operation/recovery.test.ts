import t from 'tap'
import { recover } from '../../../agent/operation/recovery.ts'
import { isTerminal, phases } from '../../../shared/operation/phase.ts'

const after = (phase: (typeof phases)[number], rebooted: boolean, candidateRuns = false) =>
  recover({ phase, kind: 'activate', rebooted, candidateRuns })

t.test('on the same boot every unfinished operation goes on, and a finished one is left alone', async (t) => {
  for (const phase of phases) t.equal(after(phase, false), isTerminal(phase) ? 'nothing' : 'resume', phase)
})

t.test(
  'after a reboot what changed nothing is cancelled, and what was not confirmed is rolled back',
  async (t) => {
    for (const phase of ['accepted', 'fetching', 'checking', 'arming'] as const)
      t.equal(after(phase, true), 'cancel', phase)
    for (const phase of ['activating', 'verifying', 'confirming'] as const) {
      t.equal(after(phase, true, true), 'roll-back', `${phase}, even where the candidate runs`)
    }
  }
)

t.test('a reboot of what was staged is the trial boot, or ended in the baseline', async (t) => {
  for (const phase of ['staging', 'staged'] as const) {
    t.equal(after(phase, true, true), 'verify', phase)
    t.equal(after(phase, true, false), 'roll-back', phase)
  }
})

t.test('a commit that was cut off goes on only where the candidate is what booted', async (t) => {
  t.equal(after('committing', true, true), 'resume')
  t.equal(after('committing', true, false), 'roll-back')
})

t.test('a rollback is never given up', async (t) => {
  for (const phase of ['accepted', 'rolling-back', 'stuck'] as const) {
    t.equal(recover({ phase, kind: 'rollback', rebooted: true, candidateRuns: false }), 'resume', phase)
  }
})
