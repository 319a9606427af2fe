import t from 'tap'
import type { DeployRequest } from '../../../controller/deploy/deploy.ts'
import { deploy } from '../../../controller/deploy/deploy.ts'
import { jobsOf } from '../../../controller/inventory/targets.ts'
import { BelayError } from '../../../shared/errors.ts'
import { fakeAgent } from '../fakes/agent.ts'
import { deployment } from '../fakes/deployment.ts'
import { fleetHost, storePath } from '../fakes/fleet-host.ts'

const hosts = ['cinnabar', 'realgar', 'orpiment'].map((name) => fleetHost(name))
const request: DeployRequest = {
  jobs: jobsOf(hosts, {}),
  paths: new Map(),
  maxParallel: 2,
  windowSeconds: null,
  again: false,
  overDrift: false,
  outsideWindow: false,
  waitSeconds: 60,
  mode: null,
  reboot: false,
  reason: null
}
const build = async (host: { name: string }) => ({ host: host.name, storePath: storePath('b'), seconds: 1 })

t.test('every host gets its own system, no more at a time than allowed', async (t) => {
  const agents = new Map(hosts.map((host) => [host.name, fakeAgent()]))
  t.teardown(() => {
    for (const agent of agents.values()) agent.close()
  })
  const { ports, events } = deployment(t)
  let pushing = 0
  let most = 0
  const results = await deploy(request, {
    ...ports,
    build,
    openTunnel: (host, signal) => {
      const agent = agents.get(host.name)
      if (agent === undefined) throw new Error(`no agent for ${host.name}`)
      return agent.openTunnel(host, signal)
    },
    push: async () => {
      pushing += 1
      most = Math.max(most, pushing)
      await new Promise(setImmediate)
      pushing -= 1
    }
  })
  t.match(results, [
    { host: 'cinnabar', outcome: 'committed' },
    { host: 'realgar', outcome: 'committed' },
    { host: 'orpiment', outcome: 'committed' }
  ])
  t.equal(most, 2)
  t.equal(events.filter((event) => event.type === 'result').length, 3)
  t.equal(agents.get('realgar')?.seen.starts[0]?.body.confirm?.windowSeconds, 120, 'of the fleet file')
})

t.test('one system that does not build keeps everything where it is', async (t) => {
  const { ports, pushed, agent } = deployment(t)
  const results = await deploy(request, {
    ...ports,
    build: async (host) => {
      if (host.name === 'realgar') throw new BelayError('build-failed', 'syntax error')
      return build(host)
    }
  })
  t.match(results, [
    { host: 'cinnabar', outcome: 'not-started', code: null, reason: /another host does not build/ },
    {
      host: 'realgar',
      outcome: 'not-started',
      code: 'build-failed',
      reason: 'syntax error',
      storePath: null
    },
    { host: 'orpiment', outcome: 'not-started', code: null }
  ])
  t.same(pushed, [])
  t.equal(agent.seen.tunnels, 0)
})

t.test('a given path is not built, and a given window is used', async (t) => {
  const { ports, agent } = deployment(t)
  const [host] = hosts
  const one = { ...request, jobs: jobsOf(host ? [host] : [], {}), windowSeconds: 30 }
  const results = await deploy(
    { ...one, paths: new Map([['cinnabar', storePath('c')]]) },
    { ...ports, build: () => Promise.reject(new Error('built')) }
  )
  t.match(results, [{ outcome: 'committed', storePath: storePath('c') }])
  t.match(agent.seen.starts, [{ body: { storePath: storePath('c'), confirm: { windowSeconds: 30 } } }])
})

t.test('interrupted while building, nothing is sent', async (t) => {
  const { ports, interrupt, agent } = deployment(t)
  const results = await deploy(request, {
    ...ports,
    build: async (host) => {
      interrupt.abort()
      return build(host)
    }
  })
  t.same(
    results.map((result) => [result.outcome, result.reason]),
    Array(3).fill(['not-started', 'interrupted before anything changed'])
  )
  t.equal(agent.seen.tunnels, 0)
})
