import t from 'tap'
import { observed, realAgents } from '../../../controller/rollout/agents.ts'
import { gateRunner } from '../../../controller/rollout/gates.ts'
import type { Host, Operation } from '../../../shared/api/schemas.ts'
import { BelayError } from '../../../shared/errors.ts'
import type { Story } from '../fakes/agent.ts'
import { deployment } from '../fakes/deployment.ts'
import { fleetHost, storePath } from '../fakes/fleet-host.ts'
import { fakeRun } from '../fakes/run.ts'
import { planOf } from './play.ts'

const [planned] = planOf('version: 1\nhosts: { cinnabar: {} }\n', 0).hosts
if (planned === undefined) throw new Error('no host')
const host = { ...planned, storePath: storePath('b') }
const { signal } = new AbortController()

const operation = (
  id: string,
  phase: Operation['phase'],
  candidate: string | null,
  kind: Operation['kind'] = 'activate'
) =>
  ({ id, phase, candidate, kind, code: null, reason: null, updatedAt: '2026-03-02T09:00:00Z' }) as Operation
const system = (running: string, bootDefault: string | null = running) =>
  ({
    hold: null,
    profiles: [{ profile: 'system', storePath: running, running, bootDefault }]
  }) as unknown as Host

t.test('a look tells whether the plan runs, and the operations that matter', async (t) => {
  const [own, other] = [storePath('b'), storePath('c')]
  t.match(observed(host, [], system(own), 5), {
    reachable: true,
    at: 5,
    runsPlanned: true,
    operation: null,
    newest: null
  })
  t.match(observed(host, [], system(own, null), 5), { runsPlanned: true }, 'a boot default that is not known')
  t.match(observed(host, [], system(own, other), 5), { runsPlanned: false }, 'it would boot another one')
  const operations = [
    operation('3', 'committed', other),
    operation('2', 'rolled-back', own),
    operation('1', 'committed', own),
    operation('4', 'activating', other),
    operation('0', 'rolled-back', null, 'rollback')
  ]
  t.match(observed(host, operations, system(other), 5), {
    operation: { id: '2', phase: 'rolled-back' },
    newest: '4',
    otherRunning: '4'
  })
  t.match(observed(host, [operation('5', 'confirming', own)], system(other), 5), { otherRunning: null })
})

/** The agents port over a fake agent. */
function port(
  t: Parameters<typeof deployment>[0],
  story: Story = {},
  more: Parameters<typeof deployment>[2] = {}
) {
  const all = deployment(t, story, more)
  const { newKey: _, signal: __, ...ports } = all.ports
  return {
    ...all,
    agents: realAgents({ ...ports, verdictOn: async () => 'go', hosts: new Map([['cinnabar', fleetHost()]]) })
  }
}
const manner = { revision: 7, mode: null, reboot: false, back: false }
const request = { key: 'rollout/r-1/cinnabar/1', why: 'rollout r-1', again: false, overDrift: false }

t.test('a host that is never done is followed for so long at a stretch', async (t) => {
  const d = deployment(t, { before: ['accepted', 'fetching'] })
  const { newKey: _, signal: __, ...ports } = d.ports
  const hosts = new Map([['cinnabar', fleetHost()]])
  const agents = realAgents({ ...ports, verdictOn: async () => 'go', hosts }, 0.2)
  t.same(await agents.start(host, request, manner, signal), { is: 'begun', operation: 'op-1' })
  await agents.follow(host, 'op-1', manner, signal)
  t.same(d.notes(), [], 'nothing is wrong with that')
  t.equal(d.agent.seen.open, 0, 'no tunnel is left')
})

t.test('a start goes out under its key, and is begun when the host has an operation', async (t) => {
  const { agents, agent, pushed } = port(t)
  t.same(await agents.start(host, request, manner, signal), { is: 'begun', operation: 'op-1' })
  t.match(agent.seen.starts, [
    { key: request.key, body: { storePath: host.storePath, reason: 'rollout r-1' } }
  ])
  t.same(pushed, [host.storePath])
  const again = port(t)
  await again.agents.start(host, { ...request, again: true, overDrift: true }, manner, signal)
  t.match(again.agent.seen.starts, [{ body: { again: true, overDrift: true } }])
})

t.test('what was not begun says whether it was asked, and whether to try again', async (t) => {
  const unreachable = await port(
    t,
    {},
    {
      openTunnel: () => Promise.reject(new BelayError('host-unreachable', 'no route'))
    }
  ).agents.start(host, request, manner, signal)
  t.match(unreachable, { is: 'not-begun', asked: false, transient: true, code: 'host-unreachable' })
  const busy = await port(t, { starts: [{ status: 409, code: 'operation-running' }] }).agents.start(
    host,
    request,
    manner,
    signal
  )
  t.match(busy, { is: 'not-begun', asked: false, transient: true, code: 'operation-running' })
  const wrong = await port(t, { starts: [{ status: 422, code: 'wrong-host' }] }).agents.start(
    host,
    request,
    manner,
    signal
  )
  t.match(wrong, { is: 'not-begun', asked: false, transient: false, code: 'wrong-host' })
  const lost = await port(t, { starts: Array<'break'>(60).fill('break') }).agents.start(
    host,
    request,
    manner,
    signal
  )
  t.match(lost, { is: 'not-begun', asked: true, transient: true })
  const push = () => Promise.reject(new BelayError('push-failed', 'no signature'))
  t.match(await port(t, {}, { push }).agents.start(host, request, manner, signal), {
    transient: false,
    code: 'push-failed'
  })
})

t.test('an operation under way is followed and confirmed; a look never throws', async (t) => {
  const { agents, agent } = port(t)
  await agents.follow(host, 'op-1', manner, signal)
  t.not(agent.seen.confirmedOver, null)
  t.match(await agents.observe(host, signal), {
    reachable: true,
    operation: { id: 'op-1', phase: 'committed' }
  })
  const gone = { ...host, name: 'galena' }
  t.match(await agents.observe(gone, signal), { reachable: false, error: /no longer in the inventory/ })
})

t.test('a gate is open when its command exits with 0', async (t) => {
  const gate = { name: 'net', command: ['ping', '-c1', 'galena'], timeoutSeconds: 5 }
  const look = (result: Parameters<typeof fakeRun>[0]) => gateRunner(fakeRun(result).run)(gate, signal)
  t.same(await look({}), { open: true, message: 'open' })
  t.same(await look({ code: 1, stderr: 'a\nno route' }), {
    open: false,
    message: 'ping exited with 1: no route'
  })
  t.same(await look({ code: null, timedOut: true }), { open: false, message: 'it did not end within 5 s' })
})

t.test('a host with homes runs the plan when they do too; what they were goes into its record', async (t) => {
  const home = { user: 'alice', storePath: storePath('c'), planHash: null }
  const withHome = { ...host, homes: [home] }
  const of = (path: string) => {
    const { profiles, ...rest } = system(host.storePath)
    const alice = { profile: 'home:alice', storePath: path, running: path }
    return { ...rest, profiles: [...profiles, alice] } as unknown as Host
  }
  const baseline = { number: null, storePath: storePath('d') }
  const own = {
    ...operation('1', 'committed', host.storePath),
    homes: [{ ...home, candidate: home.storePath, baseline }]
  }
  t.match(observed(withHome, [own], of(home.storePath), 5), {
    runsPlanned: true,
    operation: { homes: [{ user: 'alice', storePath: storePath('d') }] }
  })
  t.match(observed(withHome, [own], of(storePath('d')), 5), { runsPlanned: false })
  t.match(
    observed(withHome, [], system(host.storePath), 5),
    { runsPlanned: false },
    'the agent knows no such home'
  )
  const { agents, agent, pushed } = port(t)
  await agents.start(withHome, request, manner, signal)
  t.match(agent.seen.starts, [{ body: { homes: [{ user: 'alice', storePath: home.storePath }] } }])
  t.same(pushed, [host.storePath, home.storePath])
})
