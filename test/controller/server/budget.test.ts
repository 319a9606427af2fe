import t from 'tap'
import { summaryOf } from '../../../controller/collector/look.ts'
import { resolveFleet } from '../../../controller/inventory/fleet.ts'
import { parseFleetFile } from '../../../controller/inventory/load.ts'
import type { HostView } from '../../../controller/rollout/views.ts'
import type { Availability } from '../../../controller/server/budget.ts'
import { refuseReboot } from '../../../controller/server/budget.ts'

const text = `version: 1
rollout: { budgets: [{ role: web, maxUnavailable: 1 }, { tag: vps, maxUnavailable: 2 }] }
hosts:
  cinnabar: { roles: [web], tags: [vps] }
  electrum: { roles: [web], tags: [vps] }
  galena: { tags: [vps] }
  scheelite: { tags: [vps], presence: intermittent }
  stibnite: {}
  rosegold: {}
`

/** A fleet in which some hosts are down, moving or rebooting. */
function fleet({
  down = [],
  moving = [],
  locks = []
}: {
  down?: string[]
  moving?: string[]
  locks?: string[]
} = {}) {
  const { content, file } = parseFleetFile(text, '/fleet/fleet.yaml')
  const { hosts } = resolveFleet(content, file)
  const view = (host: string): HostView => ({
    ...{ host, stage: 'all', is: 'moving', attempt: 1 },
    ...{ reason: null, soakUntil: null }
  })
  const at = '2026-03-02T09:00:00.000Z'
  return {
    hosts: new Map(hosts.map((host) => [host.name, host])),
    policy: content.rollout ?? {},
    locks: locks.map((host) => ({ host, group: 'default', at })),
    views: moving.map(view),
    summaries: new Map(
      hosts.map((host) => [
        host.name,
        { ...summaryOf(host, null, false), answers: !down.includes(host.name) }
      ])
    )
  } satisfies Availability
}
const ask = (host: string, seen = fleet(), group = 'default') => refuseReboot({ host, group }, seen)

t.test('a host is granted what its budgets have left', async (t) => {
  t.equal(ask('cinnabar'), null)
  t.match(ask('cinnabar', fleet({ locks: ['electrum'] })), {
    code: 'reboot-not-now',
    message: /1 of 1 with web.*electrum/
  })
  t.match(ask('cinnabar', fleet({ moving: ['electrum'] })), { message: /1 of 1 with web/ })
  t.match(ask('cinnabar', fleet({ down: ['electrum'] })), { message: /1 of 1 with web/ })
  t.equal(ask('cinnabar', fleet({ locks: ['galena'] })), null)
  t.match(ask('cinnabar', fleet({ locks: ['galena', 'scheelite'] })), { message: /2 of 2 with vps/ })
  t.equal(ask('cinnabar', fleet({ down: ['scheelite', 'stibnite'] })), null, 'away on purpose counts nothing')
})

t.test('a host that is down itself may reboot; one that a rollout is at may not', async (t) => {
  t.equal(ask('cinnabar', fleet({ down: ['cinnabar'] })), null)
  t.equal(ask('cinnabar', fleet({ locks: ['cinnabar', 'electrum'] })), null, 'who has the lock keeps it')
  t.match(ask('cinnabar', fleet({ moving: ['cinnabar'] })), {
    code: 'reboot-not-now',
    message: /a rollout is at work/
  })
})

t.test('where no budget counts a host, one of its group at a time', async (t) => {
  t.equal(ask('stibnite'), null)
  t.match(ask('stibnite', fleet({ locks: ['rosegold'] })), { message: /1 of 1 with group default/ })
})

t.test('a host that is not of the fleet, and a group that is not of the host', async (t) => {
  t.throws(() => ask('argentum'), { code: 'host-unknown' })
  t.equal(ask('galena', fleet(), 'vps'), null)
  t.throws(() => ask('galena', fleet(), 'web'), { code: 'invalid-request', wanted: ['default', 'vps'] })
})
