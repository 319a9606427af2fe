import t from 'tap'
import { hostStatus } from '../../../controller/monitor/fleet-status.ts'
import { BelayError } from '../../../shared/errors.ts'
import { fakeAgent } from '../fakes/agent.ts'
import { fleetHost, storePath } from '../fakes/fleet-host.ts'

const never = new AbortController().signal

t.test('a host says what runs and what was done last', async (t) => {
  const agent = fakeAgent()
  t.teardown(agent.close)
  t.same(await hostStatus(fleetHost(), agent.openTunnel, never), {
    host: 'cinnabar',
    reachable: true,
    error: null,
    generation: 7,
    running: storePath('a'),
    drift: false,
    drifts: [],
    lastOperation: {
      id: 'op-1',
      phase: 'accepted',
      updatedAt: '2026-01-01T12:00:00Z',
      reason: 'now accepted'
    },
    agentVersion: '0.1.0',
    hold: null
  })
  t.equal(agent.seen.open, 0)
})

t.test('a host that does not answer is a row of its own', async (t) => {
  const silent = async () => {
    throw new BelayError('host-unreachable', 'No route to host')
  }
  t.match(await hostStatus(fleetHost(), silent, never), {
    reachable: false,
    error: { code: 'host-unreachable', message: 'No route to host' },
    generation: null
  })
})

t.test('an interruption is not a silent host', async (t) => {
  const agent = fakeAgent()
  t.teardown(agent.close)
  await t.rejects(hostStatus(fleetHost(), agent.openTunnel, AbortSignal.abort()), { name: 'AbortError' })
})
