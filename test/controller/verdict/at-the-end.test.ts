import t from 'tap'
import { openAccess } from '../../../controller/monitor/access-schema.ts'
import type { Promql } from '../../../controller/monitor/promql.ts'
import { lastScrape } from '../../../controller/verdict/prometheus/at-the-end.ts'

t.test('what is no number in the last scrape is not there', async (t) => {
  const now = Date.parse('2026-03-02T09:00:00Z')
  const series = (name: string, value: number) => ({
    labels: { __name__: `belay_agent_${name}` },
    samples: [{ at: now, value }]
  })
  const all = [
    ...[series('soak_seconds', 60), series('reboots_total', Infinity), series('incidents_open', -Infinity)],
    series('soak_coverage_ratio', Number.NaN)
  ]
  const client: Promql = { instant: async () => all, range: async () => [] }
  const metrics = { url: 'http://prometheus', access: openAccess, labels: {}, intervalSeconds: 60 }
  const last = await lastScrape(client, { name: 'cinnabar', presence: 'always', metrics }, now)
  t.equal(last.only('soak_seconds'), 60)
  t.same(last.all('reboots_total'), [])
  t.same(last.all('incidents_open'), [])
  t.equal(last.only('soak_coverage_ratio'), null)
})
