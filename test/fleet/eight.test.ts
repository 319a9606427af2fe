import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keyRing } from '../agent/security/keys.ts'
import { activations, realAgent, truthOf } from './deployment.ts'
import type { Fleet } from './fleet.ts'
import { startFleet } from './fleet.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const peers = ['electrum', 'galena', 'scheelite']
const laptops = ['blackphos', 'rosegold', 'argentum']
const names = ['cinnabar', ...peers, ...laptops, 'stibnite']
/** Cut off on the way back. */
const half = ['blackphos', 'rosegold', 'electrum', 'galena']
const SIGNERS = '/var/lib/signers'

/** The order of the fleet in compressed time. */
function writePolicy(fleet: Fleet): void {
  const host = (name: string, entry: string) =>
    `  ${name}: { ${entry}, connection: { ssh: { host: ${name}, user: root } } }\n`
  const text = `version: 1
flake: path:/root/fleet
defaults:
  confirm: { windowSeconds: 30 }
  push: { checkSignatures: false }
rollout:
  stages:
    - { name: controller, select: { roles: [controller] }, approval: true, soak: 3s }
    - { name: peers, select: { roles: [peer] }, maxParallel: 3, soak: 2s }
    - { name: laptops, select: { tags: [laptop] }, maxParallel: 3 }
    - { name: primary, select: { tags: [primary] } }
  order: [{ role: controller, before: peer }, { hosts: [stibnite], after: [blackphos, argentum] }]
hosts:
${host('cinnabar', 'roles: [controller]')}${peers.map((name) => host(name, 'roles: [peer]')).join('')}${laptops
  .map((name) => host(name, 'tags: [laptop], presence: intermittent'))
  .join('')}${host('stibnite', 'tags: [primary]')}`
  writeFileSync(join(fleet.operator.root, 'root/fleet.yaml'), text)
}

const belay = (fleet: Fleet, ...args: string[]) =>
  fleet.operator.run(['belay', '--fleet', '/root/fleet.yaml', '--json', ...args])
const sign = (fleet: Fleet) =>
  belay(fleet, 'rollout', 'approve', 'controller', '--sign', '--key', '/root/alice')

interface View {
  readonly host: string
  readonly is: string
  readonly attempt: number
  readonly reason: { readonly code: string; readonly text: string; readonly unblock: string } | null
}
const status = async (fleet: Fleet) => {
  const { stdout } = await belay(fleet, 'rollout', 'status')
  const report = JSON.parse(stdout) as {
    hosts: View[]
    records: { event: { kind: string; host?: string } }[]
    plan: { hosts: { name: string; planHash: string | null }[] }
  }
  const done = report.records.flatMap(({ event }) => (event.kind === 'done' ? [event.host ?? ''] : []))
  return { ...report, done, of: (name: string) => report.hosts.find(({ host }) => host === name) }
}

const counted = async (fleet: Fleet) =>
  new Map(await Promise.all(fleet.hosts.map(async (host) => [host.name, await activations(host)] as const)))

const generation = (name: string, label: string, more: object = {}) => ({
  ...{ generation: label, agent: 'bundle', ...more },
  ...(name === 'cinnabar' ? { agentConfig: { approval: { required: 'always', signersFile: SIGNERS } } } : {})
})
const generations = (label: string, more: Readonly<Record<string, object>> = {}) =>
  Object.fromEntries(names.map((name) => [name, generation(name, label, more[name])]))

t.test('eight hosts in their order', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  const ring = keyRing(t.testdir({}))
  ring.make('alice')
  await using fleet = await startFleet({
    ...{ hosts: names, operator: true, agent: realAgent() },
    generations: generations('baseline')
  })
  writePolicy(fleet)
  const root = (host: Host, path: string) => join(host.root, path)
  writeFileSync(
    root(fleet.host('cinnabar'), SIGNERS),
    `alice@example.org namespaces="belay-approval@belay" ${ring.publicKey('alice')}\n`,
    { mode: 0o644 }
  )
  for (const end of ['', '.pub']) cpSync(ring.file(`alice${end}`), root(fleet.operator, `root/alice${end}`))
  const runs = async (host: string) => (await truthOf(fleet.host(host))).running

  await t.test('approved by hash, the canary goes back: one host rolled back, seven untouched', async (t) => {
    const before = new Map(await Promise.all(names.map(async (name) => [name, await runs(name)] as const)))
    fleet.writeGenerations(generations('bad', { cinnabar: { failingUnit: true } }))
    t.match(await belay(fleet, 'rollout', 'start', '--wait', '1s'), { code: 5 }, 'it waits for a person')
    const waiting = await status(fleet)
    const { planHash } = waiting.plan.hosts.find(({ name }) => name === 'cinnabar') ?? {}
    t.match(waiting.of('cinnabar')?.reason, { code: 'waiting-for-approval', text: new RegExp(`${planHash}`) })
    const approved = await sign(fleet)
    t.match(approved, { code: 0 })
    t.match(JSON.parse(approved.stdout), { signed: [{ host: 'cinnabar', planHash, problem: null }] })
    t.match(await belay(fleet, 'rollout', 'drive', '--wait', '60s'), { code: 1 })
    const halted = await status(fleet)
    t.match(halted.of('cinnabar'), { is: 'regressed', reason: { code: 'rolled-back' } })
    for (const name of names) t.equal(await runs(name), before.get(name), name)
    const counts = await counted(fleet)
    t.same([...counts.values()].toSorted(), [0, 0, 0, 0, 0, 0, 0, 1])
    t.equal(counts.get('cinnabar'), 1)
  })

  await t.test('the order; a held host stays, a laptop that is away joins when it is back', async (t) => {
    fleet.writeGenerations(generations('good'))
    t.match(await belay(fleet, 'hold', 'galena', '--reason', 'its owner travels'), { code: 0 })
    await fleet.host('rosegold').powerCut()
    t.match(await belay(fleet, 'rollout', 'start', '--supersede', '--wait', '1s'), { code: 5 })
    t.match(await sign(fleet), { code: 0 })
    t.match(await belay(fleet, 'rollout', 'drive', '--wait', '10s'), { code: 5 })
    const { done, of } = await status(fleet)
    t.equal(done[0], 'cinnabar')
    t.same(done.slice(1, 3).toSorted(), ['electrum', 'scheelite'])
    t.same(done.slice(3, 5).toSorted(), ['argentum', 'blackphos'])
    t.same(done.slice(5), ['stibnite'], 'the primary last')
    t.match(of('galena')?.reason, {
      code: 'held',
      text: /its owner travels/,
      unblock: /belay release galena/
    })
    t.match(of('rosegold')?.reason, { code: 'away' })
    t.match(await runs('galena'), /-baseline$/)
    await fleet.host('rosegold').boot()
    t.match(await belay(fleet, 'release', 'galena', '--reason', 'she is back'), { code: 0 })
    t.match(await belay(fleet, 'rollout', 'drive', '--wait', '60s'), { code: 0 })
    for (const name of names) t.match(await runs(name), /-good$/, name)
  })

  await t.test(
    'taken back, with half of the fleet cut off meanwhile: every host once, the last first',
    async (t) => {
      const before = await counted(fleet)
      const back = ['rollout', 'rollback', '--reason', 'pages are slow', '--poll', '3s', '--wait']
      const driving = belay(fleet, ...back, '5s')
      const primary = fleet.host('stibnite')
      await primary.waitFor(
        async () => (await activations(primary)) > (before.get('stibnite') ?? 0),
        'the way back of the primary'
      )
      for (const name of half) await fleet.host(name).cutNetwork()
      t.match(await driving, { code: 5 }, 'it waits')
      const cut = await status(fleet)
      t.same(
        cut.done.filter((name) => half.includes(name)),
        []
      )
      t.equal(cut.done[0], 'stibnite')
      for (const name of half) {
        const { is, reason } = cut.of(name) ?? {}
        const code = laptops.includes(name) ? 'away' : 'unreachable'
        // The cut may have met one that was just begun.
        if (is !== 'moving') t.match(reason, { code, text: /./, unblock: /./ }, `${name}: ${is}`)
      }
      t.ok(
        half.some((name) => cut.of(name)?.is === 'waiting'),
        'some had not begun yet'
      )
      t.match(cut.of('cinnabar')?.reason, { code: 'waiting-for-stage' })
      for (const name of half) await fleet.host(name).restoreNetwork()
      t.match(await belay(fleet, ...back, '5s'), { code: 5 }, 'the same again goes on with it')
      t.match(
        (await status(fleet)).of('cinnabar')?.reason,
        { code: 'waiting-for-approval' },
        'on the way back too'
      )
      t.match(await sign(fleet), { code: 0 })
      t.match(await belay(fleet, ...back, '60s'), { code: 0 })
      const { done } = await status(fleet)
      t.equal(done.at(-1), 'cinnabar')
      const counts = await counted(fleet)
      for (const name of names) {
        t.match(await runs(name), /-baseline$/, name)
        t.equal((counts.get(name) ?? 0) - (before.get(name) ?? 0), 1, `${name}: once`)
      }
      t.match(await belay(fleet, 'rollout', 'rollback', '--reason', 'x'), {
        code: 2,
        stdout: /rollout-ended/
      })
    }
  )
})
