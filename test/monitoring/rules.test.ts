import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Registry } from 'prom-client'
import t from 'tap'
import { parse } from 'yaml'
import type { Soak } from '../../agent/health/soak/soak.ts'
import { homeMetrics } from '../../agent/metrics/homes.ts'
import { addSoakMetrics } from '../../agent/metrics/soak.ts'
import { dashboardFile, dashboardText } from '../../scripts/dashboard.ts'
import { runCommand } from '../../shared/command.ts'
import { call, startDaemon } from '../agent/fakes/daemon.ts'
import { startController } from '../controller/server/daemon.ts'

const folder = resolve(import.meta.dirname, '../../docs/monitoring')
const textOf = (name: string) => readFileSync(resolve(folder, name), 'utf8')
const promtool = (...args: string[]) => runCommand(['promtool', ...args], { timeoutMs: 60_000, cwd: folder })

/** Families of soak and history: what they are called, without a ledger to read. */
function soakFamilies(): string[] {
  const registry = new Registry()
  addSoakMetrics(registry, {} as Soak)
  return registry.getMetricsAsArray().map(({ name }) => name)
}

/** Families of homes, which are there where the configuration names users. */
function homeFamilies(): string[] {
  const registry = new Registry()
  homeMetrics(registry, ['ada'])
  return registry.getMetricsAsArray().map(({ name }) => name)
}

t.test('promtool accepts rules and configuration, and the alerts do what their tests say', async (t) => {
  for (const args of [
    ['check', 'rules', 'alerts.yml', 'recording.yml'],
    ['check', 'config', 'prometheus.yml'],
    ['check', 'config', '--syntax-only', 'http-sd.yml'],
    ['test', 'rules', 'tests.yml']
  ]) {
    const { code, stdout, stderr } = await promtool(...args)
    t.equal(code, 0, `${args.join(' ')}\n${stdout}${stderr}`)
  }
})

t.test(
  'every metric in rules and dashboard is one of the agent, the controller or a recording rule',
  async (t) => {
    const d = await startDaemon(t)
    const controller = await startController(t, { fleet: 'version: 1\nhosts: { cinnabar: {} }\n' })
    const bodies = await Promise.all(
      [d, controller].map(async (each) => (await call(each.socket('observe'), 'GET', '/metrics')).body)
    )
    const families = [...bodies.join('\n').matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    const { groups } = parse(textOf('recording.yml')) as { groups: { rules: { record: string }[] }[] }
    const recorded = groups.flatMap(({ rules }) => rules.map(({ record }) => record))
    const used = ['alerts.yml', 'recording.yml', 'dashboard.json']
      .flatMap((name) => [...textOf(name).matchAll(/\bbelay(?:_(?:agent|controller)_\w+|:[a-z0-9_:]+)/g)])
      .map(([name]) => name)
    t.ok(used.length > 20)
    const known = new Set([...families, ...recorded, ...soakFamilies(), ...homeFamilies()])
    t.same(
      used.filter((name) => !known.has(name)),
      []
    )
  }
)

t.test('a page names every family of agent and controller', async (t) => {
  const read = (page: string) => readFileSync(resolve(folder, '..', page), 'utf8')
  const pages = globSync('*.md', { cwd: resolve(folder, '..') })
    .map(read)
    .join('')
  const familiesOf = async (socket: string, prefix: string) => {
    const { body } = await call(socket, 'GET', '/metrics')
    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)
    const ours = names.filter((name) => name.startsWith(prefix))
    t.ok(ours.length > 20, prefix)
    return ours.map((name) => name.slice(prefix.length))
  }
  const agent = await startDaemon(t)
  // Where several stand in a row, they stand without what all have in common.
  for (const name of await familiesOf(agent.socket('observe'), 'belay_agent_'))
    t.match(pages, new RegExp(`(belay_agent|\`)_${name}\\b`), name)
  const controller = await startController(t, { fleet: 'version: 1\nhosts: { cinnabar: {} }\n' })
  for (const name of await familiesOf(controller.socket('observe'), 'belay_controller_'))
    t.match(read('controller.md'), new RegExp(`\`${name}\\b`), name)
})

t.test('each alert says what, why and how bad', async (t) => {
  const { groups } = parse(textOf('alerts.yml')) as {
    groups: { rules: { alert: string; labels: object; annotations: object }[] }[]
  }
  for (const { alert, labels, annotations } of groups.flatMap(({ rules }) => rules)) {
    t.match(alert, /^Belay[A-Z]/)
    t.match(labels, { severity: /./ }, alert)
    t.match(annotations, { summary: /./, description: /./ }, alert)
  }
})

t.test('the dashboard is what its script writes: npm run dashboard', async (t) => {
  t.equal(readFileSync(dashboardFile, 'utf8'), dashboardText())
})
