import t from 'tap'
import { parseFleet } from '../../controller/inventory/load.ts'
import { evidenceOfHost } from '../../controller/verdict/evidence.ts'
import { runCommand } from '../../shared/command.ts'
import type { Evidence } from '../../shared/verdict/evidence.ts'
import { judge, nothingSaid } from '../../shared/verdict/judge.ts'
import { prometheusWith, victoriaMetricsWith } from './engines.ts'
import type { Host, Scrape } from './samples.ts'
import { DAY, HOUR, INTERVAL, START, storePath, textOf } from './samples.ts'

const replaced = (scrape: Scrape, family: string, labels: object, value: number): Scrape =>
  scrape.map((each) =>
    each[0] === family && Object.entries(labels).every(([key, wanted]) => each[1][key] === wanted)
      ? [each[0], each[1], value]
      : each
  )
const without = (scrape: Scrape, family: string, labels: Record<string, string> = {}): Scrape =>
  scrape.filter(
    ([name, own]) => name !== family || Object.entries(labels).some(([key, value]) => own[key] !== value)
  )

const failing = (scrape: Scrape, check: string) => {
  const failed = replaced(
    replaced(scrape, 'check_result', { check, result: 'pass' }, 0),
    'check_failing',
    { check },
    1
  )
  return replaced(failed, 'check_result', { check, result: 'fail' }, 1)
}

const hosts: readonly Host[] = [
  { name: 'cinnabar', days: 8 },
  // Slower by half from the activation on; fails now, for five hours.
  {
    name: 'electrum',
    days: 8,
    change: (scrape, at) => {
      const slow = scrape.map((each): Scrape[number] =>
        at > START && each[0] === 'check_value' && each[1].check === 'web'
          ? [each[0], each[1], each[2] * 1.5]
          : each
      )
      return at > START + 8 * DAY - 5 * HOUR ? failing(slow, 'flag') : slow
    }
  },
  // Away for three of eight days, and away at the end; a reboot that nobody asked for.
  {
    name: 'galena',
    days: 8,
    on: (at) => (at < START + 2 * DAY || at > START + 5 * DAY) && at < START + 7 * DAY,
    change: (scrape, at) =>
      at > START + 6 * DAY ? replaced(scrape, 'reboots_total', { expected: 'false' }, 1) : scrape
  },
  // Scraped every other hour; NaN and no values; a check that is gone; one that failed before.
  {
    name: 'stibnite',
    days: 8,
    scraped: (at) => at < START || Math.floor(at / HOUR) % 2 === 0 || at > START + 8 * DAY - 3 * HOUR,
    change: (scrape, at) => {
      const nan = replaced(scrape, 'check_value', { check: 'web' }, Number.NaN)
      const gone = at > START + 4 * DAY ? nan.filter(([, labels]) => labels.check !== 'log') : nan
      const fails = at < START ? failing(gone, 'flag') : gone
      return without(fails, 'soak_available_seconds')
    }
  },
  // Of an older agent, with a check that has not run since, and values that say not what they are.
  {
    name: 'orpiment',
    days: 1,
    change: (scrape) =>
      replaced(scrape, 'check_last_run_timestamp_seconds', { check: 'flag' }, START / 1000 - 60).map(
        ([family, { measures: _, ...labels }, value]): Scrape[number] => [family, labels, value]
      )
  },
  // Of one that is older still: it does not say when a soak began.
  { name: 'scheelite', days: 8, change: (scrape) => without(scrape, 'soak_start_timestamp_seconds') }
]
const now = START + 8 * DAY + INTERVAL

const fleet = (url: string, more = '') => `version: 1
monitoring:
  prometheus: { url: "${url}", value: "{host}:9464", labels: { job: belay }, interval: 10m${more} }
defaults: { soak: { evidence: prometheus } }
hosts: { cinnabar: {}, electrum: {}, galena: { presence: intermittent }, stibnite: {}, scheelite: {}, orpiment: {} }
`

const missing = async () =>
  (await runCommand(['sh', '-c', 'command -v prometheus promtool victoria-metrics'], { timeoutMs: 5000 }))
    .code !== 0

const engines = [
  ['Prometheus', prometheusWith, 'seconds'],
  ['VictoriaMetrics', victoriaMetricsWith, 'milliseconds']
] as const

for (const [engine, start, unit] of engines) {
  const skip = (await missing()) && 'prometheus or victoria-metrics is missing: run npm run setup'
  t.test(`evidence of ${engine}`, { skip, timeout: 180_000 }, async (t) => {
    const url = await start(t, textOf(hosts, unit))
    const ask = (name: string, yaml = fleet(url), at = now) => {
      const host = parseFleet(yaml, '/fleet.yaml').hosts.find((each) => each.name === name)
      if (host === undefined) throw new Error(name)
      const noTunnel = () => Promise.reject(new Error('nobody asks the host'))
      const asked = evidenceOfHost(host, noTunnel, new AbortController().signal, at)
      return asked.then((evidence) => ({ evidence, verdict: judge(evidence, host.soak, nothingSaid, at) }))
    }
    const criterion = ({ verdict }: Awaited<ReturnType<typeof ask>>, name: string) =>
      verdict.criteria.find((each) => each.name === name)
    const check = (evidence: Evidence, name: string) => evidence.checks.find((each) => each.name === name)

    await t.test('of a host in which nothing happens', async (t) => {
      const { evidence, verdict } = await ask('cinnabar')
      t.equal(verdict.verdict, 'GO', verdict.because.join('; '))
      t.match(evidence, {
        ...{ host: 'cinnabar', storePath, generation: 42, startedAt: '2026-03-02T09:20:00.000Z' },
        ...{ asOf: new Date(START + 8 * DAY).toISOString(), onSeconds: (8 * DAY) / 1000 },
        expectedSamples: (8 * DAY) / INTERVAL,
        reboots: [{ expected: true, at: '2026-03-03T09:00:00.000Z' }]
      })
      t.equal(evidence.untold, undefined)
      const web = check(evidence, 'web')
      t.match(web, { severity: 'critical', measures: 'duration', unit: 'seconds', failingSince: null })
      // The hour of the activation is cut: 40 minutes of it are the soak's, and none of the hour before.
      t.match(web?.soak[0], { hour: '2026-03-02T09:00:00.000Z', fail: 0 })
      t.ok((web?.soak[0]?.pass ?? 9) <= 5)
      t.equal(web?.soak.length, 8 * 24 + 1)
      t.match(web?.soak[1], { fail: 0, unknown: 0 })
      t.ok([6, 7].includes(web?.soak[1]?.pass ?? 0), 'six scrapes an hour, or one more at its very end')
      t.equal(web?.baseline.length, 7 * 24 + 1)
      const { mean, median, p95, max } = web?.soak[5] ?? {}
      for (const value of [mean, median, p95, max]) t.ok(value && value > 0.17 && value < 0.23)
      t.equal(check(evidence, 'flag')?.measures, null)
    })

    await t.test('of one that is slower, and fails now', async (t) => {
      const host = await ask('electrum')
      t.equal(host.verdict.verdict, 'NO-GO')
      t.match(criterion(host, 'baseline/web'), { outcome: 'fail', observed: /\+[45]\d/ })
      t.equal(
        check(host.evidence, 'flag')?.failingSince,
        new Date(START + 8 * DAY - 5 * HOUR - 20 * 60_000).toISOString()
      )
      t.match(criterion(host, 'failures/flag'), { outcome: 'fail', evidence: /^major: failing since/ })
    })

    await t.test('of one that was away, and is', async (t) => {
      const host = await ask('galena')
      t.match(host.evidence, { asOf: new Date(START + 7 * DAY - INTERVAL).toISOString() })
      t.ok(Math.abs(host.evidence.onSeconds - (4 * DAY) / 1000) < 3600, 'the clock stood')
      t.match(criterion(host, 'coverage'), { outcome: 'pass' })
      t.match(criterion(host, 'unexpected-reboots'), { outcome: 'fail', observed: '1 reboot' })
      const day = host.evidence.reboots.find(({ expected }) => !expected)?.at
      t.equal(day, new Date(START + 6 * DAY - 20 * 60_000).toISOString())
      const always = fleet(url).replace('galena: { presence: intermittent }', 'galena: {}')
      await t.rejects(ask('galena', always), {
        code: 'host-unreachable',
        message: /no sample of the last 50 min/
      })
    })

    await t.test('with gaps, NaN and absent series', async (t) => {
      const host = await ask('stibnite')
      t.match(criterion(host, 'coverage'), { outcome: 'inconclusive' })
      t.ok(host.evidence.receivedSamples < host.evidence.expectedSamples)
      t.match(criterion(host, 'availability'), {
        outcome: 'inconclusive',
        evidence: /no belay_agent_soak_available_seconds/
      })
      t.match(criterion(host, 'failures/log'), { outcome: 'inconclusive', evidence: /series end before/ })
      t.match(criterion(host, 'failures/flag'), {
        outcome: 'pass',
        evidence: /failed in the baseline already/
      })
      t.equal(
        check(host.evidence, 'web')?.soak.filter(({ mean }) => mean !== null).length,
        0,
        'NaN is no value'
      )
    })

    await t.test('of an older agent', async (t) => {
      const host = await ask('orpiment', fleet(url), START + DAY)
      t.match(criterion(host, 'failures/flag'), { outcome: 'inconclusive', evidence: /has not run since/ })
      t.match(criterion(host, 'failures/web'), { outcome: 'pass' })
      t.match(criterion(host, 'baseline/web'), { outcome: 'inconclusive', evidence: /no label measures/ })
    })

    await t.test('that is none', async (t) => {
      await t.rejects(ask('scheelite'), { code: 'invalid-evidence', message: /soak_start_timestamp_seconds/ })
      await t.rejects(ask('cinnabar', fleet(url, ', label: host')), { code: 'host-unreachable' })
      await t.rejects(ask('cinnabar', fleet(url), now + DAY), { code: 'host-unreachable' })
      const both = fleet(url).replace(
        'value: "{host}:9464", labels: { job: belay }',
        'label: job, value: "belay{host}"'
      )
      await t.rejects(ask('cinnabar', both), { code: 'host-unreachable' })
    })
  })
}
