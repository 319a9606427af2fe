import t from 'tap'
import { lookAtAgent } from '../../../controller/collector/look.ts'
import { checkedAnswer, checkedEvent, keptState } from '../../../controller/transport/answers.ts'
import { hostClient } from '../../../controller/transport/host-client.ts'
import { fakeAgent } from '../fakes/agent.ts'
import { fleetHost } from '../fakes/fleet-host.ts'

const truth = async (t: { teardown(act: () => unknown): void }) => {
  const agent = fakeAgent()
  t.teardown(agent.close)
  await using tunnel = await agent.openTunnel(fleetHost(), new AbortController().signal)
  return await lookAtAgent(hostClient(tunnel.socketPath))
}

t.test('what an agent says passes as it is, also one of earlier and one of later', async (t) => {
  const { host, operations } = await truth(t)
  t.equal(checkedAnswer('GET', '/v1/host', host), host)
  const { hold: _, profiles, ...rest } = host
  const earlier = { ...rest, profiles: profiles.map(({ drifts: __, ...profile }) => profile) }
  t.equal(checkedAnswer('GET', '/v1/host', earlier), earlier)
  const drifts = [{ kind: 'moved-by-the-moon', found: null, wanted: null }]
  const later = { ...host, mood: 'good', profiles: profiles.map((profile) => ({ ...profile, drifts })) }
  t.equal(checkedAnswer('GET', '/v1/host', later), later)
  t.ok(checkedAnswer('POST', '/v1/operations/op-1/confirm', operations[0]))
  t.equal(checkedAnswer('GET', '/v1/soak/evidence', 7), 7, 'which has a reader of its own')
})

t.test('what makes no sense is refused, and where is said', async (t) => {
  const { host, operations } = await truth(t)
  const [profile] = host.profiles
  const [operation] = operations
  const lies: readonly [string, unknown, string][] = [
    ['/v1/host', null, '/'],
    ['/v1/host', { name: 'cinnabar' }, '/'],
    ['/v1/host', { ...host, profiles: 7 }, '/profiles'],
    ['/v1/host', { ...host, profiles: [{ ...profile, running: {} }] }, '/profiles/0/running'],
    ['/v1/host', { ...host, profiles: [{ ...profile, running: '../x' }] }, '/profiles/0/running'],
    ['/v1/host', { ...host, agentVersion: 'v'.repeat(1_000_000) }, '/agentVersion'],
    ['/v1/host', { ...host, hold: 'yes' }, '/hold'],
    ['/v1/operations', { operations: 1 }, '/operations'],
    ['/v1/operations?limit=1', { operations: [{ ...operation, phase: 'toString' }] }, '/operations/0/phase'],
    ['/v1/operations/op-1', { ...operation, updatedAt: '2026-99-01T00:00:00Z' }, '/updatedAt'],
    ['/v1/profiles/system/generations', { generations: [{}] }, '/generations/0'],
    ['/v1/hold', {}.constructor, '/']
  ]
  for (const [path, lie, at] of lies) {
    t.throws(() => checkedAnswer('GET', path, lie), { code: 'invalid-answer', at: new RegExp(`^${at}`) }, at)
  }
})

t.test('events likewise; those of another type are for whoever knows them', async (t) => {
  const event = {
    ...{ type: 'operation', at: '2026-01-01T12:00:00Z', operation: 'op-1', seq: 1 },
    ...{ phase: 'staged', message: '' }
  }
  t.equal(checkedEvent(event), event)
  const later = { type: 'toString' }
  t.equal(checkedEvent(later), later)
  t.equal(checkedEvent(null), null)
  for (const lie of [{ operation: 'a\nb' }, { seq: -1 }, { phase: 'x' }, { message: {} }, { at: 5 }]) {
    t.throws(() => checkedEvent({ ...event, ...lie }), { code: 'invalid-answer' })
  }
  t.throws(() => checkedEvent({ type: 'output', operation: 'op-1' }), { code: 'invalid-answer' })
})

t.test('what was kept of a host counts as long as it makes sense', async (t) => {
  const state = await truth(t)
  t.same(keptState(JSON.parse(JSON.stringify(state))), state)
  for (const nonsense of [undefined, null, {}, { ...state, host: {} }]) t.equal(keptState(nonsense), null)
})
