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
    homes: [],
    agentVersion: '0.1.0',
    hold: null
  })
  t.equal(agent.seen.open, 0)
})

t.test(
  'homes stand beside the system, each with its own operations and those that moved it along',
  async (t) => {
    const agent = fakeAgent({
      homes: { alice: storePath('c'), bob: storePath('d') },
      operations: [
        {
          id: 'op-1',
          profile: 'system',
          homes: [{ user: 'bob', candidate: storePath('d'), baseline: null }]
        },
        { id: 'op-2', profile: 'home:alice' }
      ]
    })
    t.teardown(agent.close)
    const status = await hostStatus(fleetHost(), agent.openTunnel, never)
    t.equal(status.lastOperation?.id, 'op-1', 'that of a home is none of the system')
    t.match(status.homes, [
      {
        user: 'alice',
        kind: 'standalone',
        generation: 3,
        running: storePath('c'),
        lastOperation: { id: 'op-2' }
      },
      { user: 'bob', running: storePath('d'), lastOperation: { id: 'op-1' } }
    ])
  }
)

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
