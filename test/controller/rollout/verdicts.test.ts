import t from 'tap'
import { verdictSource } from '../../../controller/rollout/verdicts.ts'
import { deployment } from '../fakes/deployment.ts'
import { fleetHost, storePath } from '../fakes/fleet-host.ts'
import { planOf } from './play.ts'

const fleet = (verdict: string) => `version: 1
rollout: { stages: [{ name: all, select: {}${verdict} }] }
hosts: { cinnabar: {} }
`
const { signal } = new AbortController()

t.test('only hosts of stages that need a verdict are asked; a host without one says why', async (t) => {
  const { ports, agent, clock } = deployment(t)
  const notes: string[] = []
  const source = (yaml: string) =>
    verdictSource({
      plan: planOf(yaml, 0),
      fleetFile: '/nowhere/fleet.yaml',
      openTunnel: ports.openTunnel,
      now: clock.now,
      note: (host, message) => notes.push(`${host}: ${message}`)
    })
  t.equal(await source(fleet(''))(fleetHost(), storePath('b'), signal), null)
  t.equal(agent.seen.tunnels, 0)
  t.equal(await source(fleet(', verdict: go'))(fleetHost(), storePath('b'), signal), null)
  t.equal(agent.seen.tunnels, 1)
  t.match(notes, [/^cinnabar: no verdict: /])
})
