import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { parseFleet } from '../../controller/inventory/load.ts'
import { targetsOf } from '../../controller/server/discovery.ts'
import { runCommand } from '../../shared/command.ts'
import { receiver } from '../controller/notify/receiver.ts'
import { waitFor } from '../fleet/host.ts'
import { prometheusOn } from './engines.ts'

const folder = resolve(import.meta.dirname, '../../docs/monitoring')
const there = await runCommand(['sh', '-c', 'command -v prometheus'], { timeoutMs: 5000 })
const skip = there.code !== 0 && 'prometheus is missing: run npm run setup'

t.test('a real Prometheus takes the hosts from the controller', { skip, timeout: 120_000 }, async (t) => {
  const { hosts } = parseFleet(
    'version: 1\nhosts: { cinnabar: {}, galena: { presence: intermittent } }\n',
    '/fleet.yaml'
  )
  const body = JSON.stringify(targetsOf(hosts, 9464))
  const sd = await receiver(t, { status: 200, headers: { 'content-type': 'application/json' }, body })
  const directory = t.testdir({ token: 'observe-1' })
  const config = readFileSync(join(folder, 'http-sd.yml'), 'utf8')
    .replace('https://belay.example.org', sd.url)
    .replace('/run/secrets/belay-token', join(directory, 'token'))
    .replace(
      '[recording.yml, alerts.yml]',
      JSON.stringify(['recording.yml', 'alerts.yml'].map((name) => join(folder, name)))
    )
  writeFileSync(join(directory, 'prometheus.yml'), config)
  const url = await prometheusOn(t, directory)
  interface Active {
    readonly data: {
      readonly activeTargets: { readonly scrapeUrl: string; readonly labels: Record<string, string> }[]
    }
  }
  const active = async () =>
    ((await (await fetch(`${url}/api/v1/targets`)).json()) as Active).data.activeTargets
  await waitFor(async () => (await active()).length === 2, 'two targets')
  const found = (await active()).toSorted((a, b) => a.scrapeUrl.localeCompare(b.scrapeUrl))
  t.same(
    found.map(({ scrapeUrl, labels }) => ({ scrapeUrl, labels })),
    [
      { scrapeUrl: 'http://cinnabar:9464/metrics', labels: { instance: 'cinnabar', job: 'belay' } },
      {
        scrapeUrl: 'http://galena:9464/metrics',
        labels: { instance: 'galena', job: 'belay', may_sleep: 'true' }
      }
    ]
  )
  t.match(sd.received[0], { path: '/sd?port=9464', headers: { authorization: 'Bearer observe-1' } })
})
