import { join } from 'node:path'
import t from 'tap'
import { Keeper } from '../../../controller/collector/keeper.ts'
import { lookAtAgent } from '../../../controller/collector/look.ts'
import { judgeHosts } from '../../../controller/collector/verdict-round.ts'
import { openControllerStore } from '../../../controller/store/controller-store.ts'
import { agentClient } from '../../../shared/agent-client/client.ts'
import type { Evidence } from '../../../shared/verdict/evidence.ts'
import { stories } from '../../verdict/stories.ts'
import { fakeAgent } from '../fakes/agent.ts'
import { fleetHost } from '../fakes/fleet-host.ts'

const { signal } = new AbortController()
const MINUTE = 60_000

t.test('evidence is kept once an hour, and at once when the verdict is another one', async (t) => {
  let told: Evidence = { ...stories.passes, host: 'cinnabar' }
  let now = Date.parse(told.asOf)
  const agent = fakeAgent({ evidence: () => told })
  t.teardown(agent.close)
  const directory = t.testdir({})
  using store = await openControllerStore(directory)
  const keeper = new Keeper(
    store,
    () => now,
    () => {}
  )
  const host = fleetHost('cinnabar')
  await using tunnel = await agent.openTunnel(host, signal)
  keeper.answered(host, await lookAtAgent(agentClient(tunnel.socketPath)), false)
  const notes: string[] = []
  const round = {
    ...{ hosts: new Map([['cinnabar', host]]), fleetFile: join(directory, 'fleet.yaml'), keeper, store },
    ...{ lend: agent.openTunnel, now: () => now, signal }
  }
  const judge = async (minutes: number, with_: Partial<typeof round> = {}) => {
    now += minutes * MINUTE
    await judgeHosts({ ...round, ...with_, note: (_, message) => notes.push(message) })
    return store.evidenceKeptAt('cinnabar')
  }
  const first = await judge(0)
  t.equal(first, now)
  t.same(store.keptEvidence('cinnabar'), { keptAt: now, evidence: told }, 'all of it')
  t.equal(await judge(15), first, 'a quarter of an hour later it is new enough')
  t.equal(await judge(45), now, 'an hour later it is not')
  told = { ...stories.unexpectedReboot, host: 'cinnabar' }
  t.equal(await judge(15), now, 'another verdict')
  t.match(store.keptEvidence('cinnabar'), { evidence: { reboots: told.reboots } })
  t.match(keeper.verdicts.get('cinnabar'), { verdict: 'NO-GO', asOf: told.asOf, keptAt: null })

  const full = () => {
    throw new Error('database or disk is full')
  }
  await judge(90, { store: { ...store, keepEvidence: full } })
  t.same(notes, ['its evidence was not kept: database or disk is full'], 'the verdict stands all the same')

  store.prune('2000-01-01T00:00:00.000Z', new Set(['galena']))
  t.equal(store.keptEvidence('cinnabar'), null, 'a host that left the fleet is forgotten')
})
