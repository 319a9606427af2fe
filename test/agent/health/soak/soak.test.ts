import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { Value } from 'typebox/value'
import { parseSettings } from '../../../../agent/config/settings.ts'
import { doWork } from '../../../../agent/health/history/job.ts'
import type { CheckDefinition } from '../../../../agent/health/sample.ts'
import * as answers from '../../../../agent/health/soak/answers.ts'
import { Soak } from '../../../../agent/health/soak/soak.ts'
import { Evidence } from '../../../../shared/verdict/evidence.ts'

const epoch = Date.parse('2026-05-01T00:00:00Z')
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const path = (letter: string) => `/nix/store/${letter.repeat(32)}-nixos-system-cinnabar`
const everyMinute = { perHour: 60, leastMs: MINUTE }
const checks: readonly CheckDefinition[] = [
  {
    name: 'web',
    severity: 'critical',
    measures: 'duration',
    unit: 'seconds',
    ...everyMinute,
    forSeconds: 300
  },
  { name: 'disk', severity: 'minor', measures: 'bytes', unit: 'bytes', ...everyMinute, forSeconds: 60 }
]

/** A host that is only told, with clocks that are set. */
function world(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'belay-soak-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const root = join(directory, 'operations')
  mkdirSync(root)
  const settings = parseSettings(JSON.stringify({ hostName: 'cinnabar', stateDirectory: directory }), 'test')
  const host = {
    awake: 10_000,
    asleep: 0,
    wall: 0,
    boot: 'b1',
    running: path('a'),
    lastAt: null as string | null
  }
  const sign = () => ({
    ...{ at: new Date(epoch + host.wall + host.awake + host.asleep).toISOString(), bootId: host.boot },
    ...{ monotonicMs: host.awake, bootMs: host.awake + host.asleep }
  })
  const quiet = { warn: () => {}, info: () => {} } as never
  const start = async (failed: readonly string[] = []) => {
    const soak = new Soak({
      ...{ settings, logger: quiet, operations: { all: async () => [], root } },
      host: { observe: async () => ({ storePath: host.running, number: 7, running: host.running }) as never },
      witness: {
        ...{ sign, upMs: () => 0, failedUnits: async () => ['old.service'], bootSeconds: async () => 12 },
        bootBefore: async () => ({ logins: [], system: [], lastAt: host.lastAt })
      },
      worker: async (work) => doWork(work, new Date(sign().at))
    })
    soak.setChecks(checks, failed)
    await soak.tick()
    return soak
  }
  /** Minutes in which every check runs. */
  const live = async (
    soak: Soak,
    minutes: number,
    results: Partial<Record<string, 'pass' | 'fail' | 'unknown'>> = {}
  ) => {
    for (let i = 0; i < minutes; i++) {
      host.awake += MINUTE
      for (const { name } of checks) {
        const sample = { result: results[name] ?? 'pass', value: 1, durationMs: 5, message: '' } as const
        soak.record({ check: name, at: Date.parse(sign().at), ...sample })
      }
      await soak.tick()
    }
  }
  return { directory, host, start, live }
}

t.test('F22: asleep for three days in mid-soak: clock paused, full coverage, no false failure', async (t) => {
  const { host, start, live } = world(t)
  const soak = await start()
  await live(soak, 120)
  host.asleep += 3 * DAY
  await live(soak, 120)
  const view = await answers.soakView(soak)
  t.match(view, { day: 1, onSeconds: 240 * 60, availableSeconds: 240 * 60, openIncidents: { critical: 0 } })
  t.ok((view.coverage ?? 0) >= 0.99, String(view.coverage))
  const evidence = await answers.evidence(soak, 'cinnabar', undefined)
  t.same(Value.Errors(Evidence, evidence), [])
  t.match(evidence.gaps, [{ cause: 'asleep' }])
  const [gap] = evidence.gaps
  t.equal(Date.parse(gap?.to ?? '') - Date.parse(gap?.from ?? ''), 3 * DAY)
  t.equal(evidence.receivedSamples, 480)
  t.equal(evidence.reboots.length, 0)
})

t.test('a check that fails for long enough is an incident, and is resolved when it passes', async (t) => {
  const { host, start, live } = world(t)
  const soak = await start()
  await live(soak, 10)
  await live(soak, 4, { web: 'fail' })
  await live(soak, 1)
  t.same(await answers.incidents(soak, undefined), [], 'four minutes are no five')
  host.wall += 40 * DAY
  await live(soak, 3, { web: 'fail' })
  t.same(await answers.incidents(soak, undefined), [], 'a clock that jumps makes no minutes')
  await live(soak, 3, { web: 'unknown' })
  await live(soak, 1, { web: 'fail' })
  t.match(await answers.incidents(soak, undefined), [
    { severity: 'critical', status: 'open', openedBy: 'rule: check web' }
  ])
  t.ok((await answers.evidence(soak, 'cinnabar', undefined)).checks[0]?.failingSince)
  await live(soak, 2)
  t.match(await answers.incidents(soak, undefined), [{ status: 'resolved', resolvedAt: String }])
  const { onSeconds, availableSeconds } = await answers.soakView(soak)
  t.equal(onSeconds - availableSeconds, 11 * 60)
  await live(soak, 8, { web: 'fail' })
  t.match(
    await answers.incidents(soak, undefined),
    [{ status: 'open', resolvedAt: null }],
    'the same one, within the hour'
  )
})

t.test('a baseline of an agent that has just started knows what failed before', async (t) => {
  const { start, live } = world(t)
  const failing = async (soak: Soak) => (await soak.baselines.take('somebody')).failing
  const soak = await start(['web', 'gone'])
  t.same(await failing(soak), ['web'])
  t.same(await answers.incidents(soak, undefined), [], 'it has not failed since')
  await live(soak, 1, { web: 'unknown', disk: 'fail' })
  t.same(await failing(soak), ['disk', 'web'])
  await live(soak, 1)
  t.same(await failing(soak), [])
})

t.test('what failed in the baseline is no news until it has passed', async (t) => {
  const { host, start, live } = world(t)
  const soak = await start()
  await live(soak, 90, { web: 'fail' })
  const baseline = await soak.baselines.take('somebody')
  t.match(baseline, { failing: ['web'], failedUnits: ['old.service'], storePath: path('a'), bootSeconds: 12 })
  t.ok(baseline.hours >= 1)
  host.running = path('b')
  await soak.tick()
  await live(soak, 60, { web: 'fail' })
  const view = await answers.soakView(soak)
  t.match(view, { cause: 'switched', storePath: path('b'), openIncidents: { critical: 0 } })
  t.equal(view.availableSeconds, view.onSeconds)
  t.match((await answers.evidence(soak, 'cinnabar', undefined)).checks[0], {
    name: 'web',
    failedInBaseline: true
  })
  await live(soak, 2)
  await live(soak, 6, { web: 'fail' })
  t.match(await answers.incidents(soak, undefined), [{ severity: 'critical', status: 'open' }])
  t.match(await answers.evidence(soak, 'cinnabar', path('a')), { manualSwitches: 1, endedAt: String })
})

t.test('restart, reboot and days switched off are told apart, and nothing counted is lost', async (t) => {
  const { host, start, live } = world(t)
  await live(await start(), 60)
  host.awake += 10 * MINUTE
  const second = await start()
  t.match(await answers.soakView(second), {
    agentRestarts: 1,
    reboots: 0,
    onSeconds: 70 * 60,
    availableSeconds: 60 * 60
  })
  await live(second, 30)
  await second.note({ type: 'reboot-expected', by: 'operate socket', reason: 'kernel' })
  Object.assign(host, { boot: 'b2', wall: host.awake + 5 * DAY, awake: 30_000 })
  const third = await start()
  t.match(await answers.soakView(third), {
    agentRestarts: 1,
    reboots: 1,
    unexpectedReboots: 0,
    onSeconds: 100 * 60 + 30
  })
  Object.assign(host, { boot: 'b3', wall: host.wall + MINUTE, awake: 30_000 })
  const fourth = await start()
  const evidence = await answers.evidence(fourth, 'cinnabar', undefined)
  t.match(evidence, { reboots: [{ expected: true }, { expected: false }], receivedSamples: 180 })
  t.equal(evidence.expectedSamples, 2 * 101)
  t.same(
    evidence.gaps.map(({ cause }) => cause),
    ['agent-stopped', 'off']
  )
  t.match(evidence.incidents, [{ severity: 'major', openedBy: 'rule: reboot' }])
})

t.test('a word that the next reboot is wanted outlives the generation under which it was said', async (t) => {
  const { host, start, live } = world(t)
  const soak = await start()
  await live(soak, 60)
  await soak.note({ type: 'reboot-expected', by: 'operate socket', reason: 'kernel' })
  const said = soak.now().expecting
  await live(soak, 10)
  host.running = path('b')
  await live(soak, 10)
  t.match(soak.now(), { begun: { generation: { storePath: path('b') } }, expecting: said })
  Object.assign(host, { boot: 'b2', wall: host.awake + MINUTE, awake: 30_000 })
  const second = await start()
  t.match(await answers.soakView(second), { reboots: 1, unexpectedReboots: 0 })
  await second.note({ type: 'reboot-expected', by: 'operate socket', reason: 'once more' })
  Object.assign(host, { boot: 'b3', wall: host.wall + MINUTE, awake: 30_000, running: path('c') })
  t.equal((await start()).now().expecting, null, 'the reboot into another generation was the one')
})

t.test('F3: a ledger that is torn, damaged or nonsense', async (t) => {
  const file = (directory: string) => {
    const name = readdirSync(join(directory, 'soak')).find((each) => each.endsWith('.jsonl')) ?? ''
    return join(directory, 'soak', name)
  }
  await t.test('torn: the last record was never acknowledged', async (t) => {
    const { directory, start, live } = world(t)
    await live(await start(), 60)
    appendFileSync(file(directory), '{"seq":9')
    t.match(await answers.soakView(await start()), { agentRestarts: 1, damage: null, onSeconds: 3600 })
  })
  await t.test('damaged: what stands before goes on, and it is said', async (t) => {
    const { directory, start, live } = world(t)
    const soak = await start()
    await live(soak, 60)
    await answers.openIncident(soak, { severity: 'major', description: 'first' }, 'somebody')
    await answers.openIncident(soak, { severity: 'minor', description: 'second' }, 'somebody')
    writeFileSync(file(directory), readFileSync(file(directory), 'utf8').replace('second', 'sEcond'))
    const view = await answers.soakView(await start())
    t.match(view, { damage: /changed at line 3/, openIncidents: { major: 1, minor: 0 } })
    t.match(await answers.soakView(await start()), { damage: /line 3/, agentRestarts: 2 })
  })
  await t.test('nonsense: a new one begins', async (t) => {
    const { directory, start, live } = world(t)
    await live(await start(), 5)
    writeFileSync(file(directory), 'nonsense\n')
    t.match(await answers.soakView(await start()), { cause: 'found', onSeconds: 0 })
  })
})

t.test('a ledger of years stays small', async (t) => {
  const { directory, host, start, live } = world(t)
  const soak = await start()
  for (let i = 0; i < 520; i++) {
    soak.keeper.note({ type: 'counted' })
    if (i % 130 === 0) await soak.keeper.write()
  }
  await soak.keeper.write()
  host.asleep += DAY
  await live(soak, 1)
  const [name = ''] = readdirSync(join(directory, 'soak'))
  t.ok(readFileSync(join(directory, 'soak', name)).length < 20_000)
  t.match((await start()).now(), { gaps: [{ cause: 'asleep' }], agentRestarts: 1 })
})

t.test('an incident that is not there, and times that are none', async (t) => {
  const { start } = world(t)
  const soak = await start()
  await t.rejects(answers.changeIncident(soak, 'x', { status: 'resolved' }, 'me'), { code: 'not-found' })
  await t.rejects(answers.evidence(soak, 'cinnabar', path('z')), { code: 'no-soak' })
  const ask = (from: string, check = 'web') =>
    answers.historyPage(soak, { check, from, to: undefined, resolution: 'raw', limit: 10 })
  await t.rejects(ask('yesterday'), { code: 'invalid-request', at: 'from' })
  await t.rejects(ask('2026-99-99'), { code: 'invalid-request' })
  t.match(await ask('2026-01-01'), { check: 'web', next: null })
  await t.rejects(ask('2026-01-01', 'wbe'), { code: 'check-unknown', found: 'wbe', wanted: ['web'] })
})
