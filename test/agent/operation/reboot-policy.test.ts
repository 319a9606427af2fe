import t from 'tap'
import { rebootIsDue } from '../../../agent/operation/reboot-policy.ts'

const sunday = { days: ['sun' as const], from: '02:00', to: '04:00', timeZone: 'UTC' }
const inside = Date.parse('2026-01-04T03:00:00Z')
const outside = Date.parse('2026-01-04T05:00:00Z')

t.test('by itself a host is rebooted only in a window that somebody has named', async (t) => {
  const due = (policy: 'never' | 'when-asked' | 'in-window', windows: (typeof sunday)[], at: number) =>
    rebootIsDue({ reboot: { policy }, windows }, at)
  t.equal(due('in-window', [sunday], inside), true)
  t.equal(due('in-window', [sunday], outside), false)
  t.equal(due('in-window', [], inside), false, 'no windows: activations are always allowed, reboots are not')
  t.equal(due('when-asked', [sunday], inside), false)
  t.equal(due('never', [sunday], inside), false)
})
