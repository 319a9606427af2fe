import t from 'tap'
import { belay, journalOf, realAgent, truthOf, writeFleetFile } from './deployment.ts'
import { startFleet } from './fleet.ts'
import { fleetUnavailable } from './root.ts'

/** The main job: a controller brings new generations to hosts; good ones stay, bad ones come back by themselves. */
t.test('three stories on real hosts', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({
    hosts: ['cinnabar', 'electrum', 'galena'],
    operator: true,
    agent: realAgent()
  })
  writeFleetFile(fleet, 10)
  const before = new Map(
    await Promise.all(fleet.hosts.map(async (host) => [host.name, await truthOf(host)] as const))
  )

  fleet.writeGenerations({
    cinnabar: { generation: 'web', agent: 'bundle', services: { web: 'exec sleep infinity' } },
    electrum: { generation: 'broken', agent: 'bundle', failingUnit: true },
    galena: { generation: 'cut', agent: 'bundle', cutNetwork: true }
  })
  const deploy = await belay(fleet, '--json', 'deploy')
  t.equal(deploy.code, 1, 'two hosts did not end on their candidate')
  const results = deploy.stdout
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as { type: string; result?: { host: string; outcome: string; reason: string } }
    )
    .flatMap((event) => (event.type === 'result' && event.result ? [event.result] : []))
  const outcome = (name: string) => results.find((result) => result.host === name)

  await t.test('a good generation is committed', async (t) => {
    const host = fleet.host('cinnabar')
    t.match(outcome('cinnabar'), { outcome: 'committed' })
    const now = await truthOf(host)
    t.match(now.running, /-nixos-system-cinnabar-web$/)
    t.match(now, {
      profile: now.running,
      bootDefault: now.running,
      failed: [],
      guards: [],
      runner: 'inactive'
    })
    t.equal((await host.run(['systemctl', 'is-active', 'web'])).stdout.trim(), 'active')
    t.same((await journalOf(host)).phases.at(-1), 'committed')
    const metrics = await host.must([
      'curl',
      '-s',
      '--unix-socket',
      '/run/belay/observe.sock',
      'http://agent/metrics'
    ])
    t.match(metrics, /belay_agent_operations_total\{kind="activate",result="committed"\} 1/)
  })

  for (const [name, reason] of [
    ['electrum', /failing\.service/],
    ['galena', /nobody confirmed in time/]
  ] as const) {
    await t.test(`${name}: a bad generation is gone, by itself`, async (t) => {
      const host = fleet.host(name)
      t.match(outcome(name), { outcome: 'rolled-back', reason })
      t.same(await truthOf(host), before.get(name))
      t.same((await journalOf(host)).phases.at(-1), 'rolled-back')
      const metrics = await host.must([
        'curl',
        '-s',
        '--unix-socket',
        '/run/belay/observe.sock',
        'http://agent/metrics'
      ])
      t.match(metrics, /belay_agent_operations_total\{kind="activate",result="rolled-back"\} 1/)
    })
  }

  await t.test(
    'every host is reached afterwards, and a second deploy of the same changes nothing',
    async (t) => {
      const status = JSON.parse((await belay(fleet, '--json', 'status')).stdout) as {
        hosts: { reachable: boolean }[]
      }
      t.same(
        status.hosts.map((host) => host.reachable),
        [true, true, true]
      )
      const again = await belay(fleet, '--json', 'deploy', '--host', 'cinnabar')
      t.equal(again.code, 0)
      t.match(again.stdout, /"outcome":"unchanged"/)
    }
  )
})
