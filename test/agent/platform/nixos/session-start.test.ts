import t from 'tap'
import { monotonicMs } from '../../../../agent/clock.ts'
import { sshSessionStart } from '../../../../agent/platform/nixos/session-start.ts'

/** A line of /proc/PID/stat: name, parent, and start in ticks after the boot. */
const stat = (pid: number, name: string, parent: number, start: number) =>
  `${pid} (${name}) S ${parent} ${'0 '.repeat(17)}${start} 0\n`

t.test('the nearest sshd above is the session; without one there is none', async (t) => {
  const proc = t.testdir({
    uptime: '1000.00 900.00\n',
    1: { stat: stat(1, 'systemd', 0, 1) },
    50: { stat: stat(50, 'sshd', 1, 100) },
    60: { stat: stat(60, 'sshd-session', 50, 90_000) },
    70: { stat: stat(70, 'a (shell)', 60, 90_100) },
    80: { stat: stat(80, 'tmux', 1, 90_200) }
  })
  const started = await sshSessionStart(proc, 70)
  t.ok(started !== null && Math.abs(started - (monotonicMs() - 100_000)) < 1000, 'a hundred seconds ago')
  t.equal(await sshSessionStart(proc, 80), null)
  t.equal(await sshSessionStart(proc, 99), null, 'a process that is gone')
})
