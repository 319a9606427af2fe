import t from 'tap'
import { check, checks } from '../../../../agent/cli/views/checks.ts'
import type { CheckState } from '../../../../shared/api/checks.ts'

const state: CheckState = {
  ...{ name: 'web', kind: 'http', severity: 'critical', votes: true, result: 'pass', value: 0.012345678 },
  ...{ unit: 'seconds', measures: 'duration', message: 'status 200', durationSeconds: 0.02 },
  ...{ ranAt: '2026-01-02T03:04:05.000Z', since: '2026-01-02T03:00:00.000Z', nextRunAt: null },
  ...{ failing: false, flapping: false }
}

t.test('a table for people', async (t) => {
  const table = checks([
    state,
    {
      ...state,
      name: 'disk',
      severity: 'minor',
      result: 'fail',
      value: null,
      message: 'full\n\u001b[2Jforged'
    },
    { ...state, name: 'new', result: null, value: null, since: null, flapping: true }
  ])
  t.equal(
    table,
    `CHECK  RESULT          SEVERITY  VALUE            SINCE             FOUND
web    pass            critical  0.01235 seconds  2026-01-02 03:00  status 200
disk   fail (pending)  minor     -                2026-01-02 03:00  full forged
new    - (flapping)    critical  -                -                 status 200
3 checks: 1 fail, 1 pass, 1 not run yet`
  )
  t.equal(checks([]), 'no checks')
  t.equal(
    check({ ...state, failing: true, result: 'fail' }),
    'web: fail 0.01235 seconds: status 200 (took 0.02 s)'
  )
})
