import t from 'tap'
import type { CheckState } from '../../shared/api/checks.ts'
import { journalOf, realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const run = async (host: Host, name: string): Promise<CheckState> =>
  JSON.parse((await host.run(['belay-agent', '--json', 'check', 'run', name])).stdout) as CheckState

t.test('smoke', { skip: fleetUnavailable() ?? false, timeout: 180_000 }, async (t) => {
  await using fleet = await startFleet({ hosts: ['cinnabar'], operator: true, agent: realAgent() })
  const host = fleet.host('cinnabar')
  const list = await host.run(['belay-agent', 'checks'])
  t.comment(list.stdout + list.stderr)
  const names = JSON.parse((await host.run(['belay-agent', '--json', 'checks'])).stdout).checks.map(
    (c: CheckState) => c.name
  )
  for (const name of names) t.comment(JSON.stringify(await run(host, name)))
  t.comment((await host.run(['belay-agent', 'checks'])).stdout)
  void journalOf
  void truthOf
})
