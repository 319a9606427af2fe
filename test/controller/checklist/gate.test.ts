import t from 'tap'
import { checklistGate, lacking } from '../../../controller/checklist/gate.ts'
import type { Item } from '../../../controller/checklist/judge.ts'
import { parseFleet } from '../../../controller/inventory/load.ts'
import { checklistPoints } from '../../../shared/api/checklist.ts'
import { BelayError } from '../../../shared/errors.ts'
import { storePath } from '../fakes/fleet-host.ts'

const item = (point: Item['point'], result: Item['result']): Item => ({
  ...{ point, name: point, result, evidence: `${point} seen` }
})

t.test('what is wanted and has no evidence is named with what was found; the rest is not', async (t) => {
  const items = [
    item('ci', 'pass'),
    item('drill', 'fail'),
    item('window', 'unknown'),
    item('monitoring', 'fail')
  ]
  const of = (...points: Item['point'][]) => lacking(items, { points, drillSeconds: 0 })
  t.equal(of('ci'), '')
  t.equal(of('drill', 'ci', 'window'), 'drill (drill seen); window (window seen)')
  t.equal(of('second-way'), 'second-way (nobody looks for it here)', 'a point of a newer plan')
  t.equal(lacking([], { points: [...checklistPoints], drillSeconds: 0 }).split(';').length, 8)
})

t.test('a deployment is refused where the policy asks, also where nothing answers', async (t) => {
  const { hosts } = parseFleet(
    'version: 1\nhosts: { cinnabar: { roles: [web] }, galena: {} }\n',
    '/fleet.yaml'
  )
  let asked = 0
  const openTunnel = async () => {
    asked += 1
    throw new BelayError('host-unreachable', 'no route')
  }
  const ports = {
    ...{ openTunnel, caches: {}, now: Date.now, signal: new AbortController().signal },
    run: async () => ({ code: 1, stdout: '', stderr: '', timedOut: false })
  }
  const stage = { name: 'production', select: { roles: ['web'] }, require: ['drill' as const] }
  const policies = [
    { stages: [stage] },
    { require: [{ select: { hosts: ['cinnabar'] }, points: ['drill' as const] }] }
  ]
  for (const policy of policies) {
    const gate = checklistGate(hosts, policy, ports)
    const refusal = Promise.all(hosts.slice(0, 1).map((host) => gate(host, storePath('b'))))
    await t.rejects(refusal, {
      code: 'checklist-incomplete',
      message: /^cinnabar: it cannot be looked for: .*no route/
    })
    await Promise.all(hosts.slice(1).map((host) => gate(host, storePath('b'))))
  }
  t.equal(asked, 2, 'nobody asks of a host of which nothing is wanted')
})
