import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import type { Generation, Home } from './generation.ts'
import { HomeWorld } from './home-world.ts'
import { fleetUnavailable } from './root.ts'

const web = '.config/systemd/user/web.service'
const unit = (body: string) =>
  `[Service]\nExecStart=/bin/sh -c "${body}"\n[Install]\nWantedBy=default.target\n`
const alice = (generation: string, webUnit = unit(`exec sleep ${generation.length}000`)): Home => ({
  ...{ user: 'alice', generation },
  files: { '.config/greeting': generation, [web]: webUnit }
})
/** Fails while it is being started, so that nobody who looks comes too early. */
const fails = '[Service]\nType=oneshot\nExecStart=/bin/false\n'
const system = (generation: string, more: Partial<Generation> = {}): Generation => ({
  ...{ generation, agent: 'bundle', agentConfig: { homes: { users: ['alice', 'bob'] } } },
  ...more
})

/** What `belay` reads on the operator's machine. */
const fleetFile = `version: 1
flake: path:/root/fleet
defaults: { push: { checkSignatures: false }, confirm: { windowSeconds: 60 } }
hosts:
  cinnabar:
    homes: { alice: { withSystem: true }, bob: { attribute: homeConfigurations.bob.activationPackage } }
`

const skip = fleetUnavailable() ?? false
t.test('a system and homes, as one operation and apart', { skip, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({
    ...{ hosts: ['cinnabar'], operator: true, agent: realAgent() },
    generations: { cinnabar: system('baseline') }
  })
  const host = fleet.host('cinnabar')
  const world = new HomeWorld(host)
  writeFileSync(join(fleet.operator.root, 'root/fleet.yaml'), fleetFile)
  const write = (homes: Readonly<Record<string, Home>>) =>
    writeFileSync(join(fleet.operator.root, 'root/fleet/homes.json'), JSON.stringify(homes))
  const belay = (...args: string[]) =>
    fleet.operator.run(['belay', '--fleet', '/root/fleet.yaml', ...args], { timeoutMs: 180_000 })
  await world.build({
    one: alice('one'),
    failing: alice('failing', fails),
    third: alice('third'),
    bob: { user: 'bob', generation: 'one', files: { '.greeting': 'one' } }
  })
  await world.addUser('alice', 'home', 'one')
  await world.addUser('bob', 'global', 'bob')
  await world.sh('touch /var/lib/systemd/linger/alice; systemctl start user@1000')
  const truth = async () => ({
    system: { ...(await truthOf(host)), guards: [], runner: '' },
    alice: await world.truth('alice', 'home')
  })
  const next = async (name: string, more: Partial<Generation> = {}) => {
    fleet.writeGenerations({ cinnabar: system(name, more) })
    return fleet.push('cinnabar')
  }
  /** Begins an operation on both; gives its identity. */
  const begin = async (path: string, home: string, ...options: readonly string[]) => {
    const argv = ['belay-agent', '--json', 'activate', '--no-follow', '--again', ...options]
    const said = await host.must([...argv, '--with-home', `alice=${world.path(home)}`, path])
    return (JSON.parse(said) as { id: string }).id
  }
  const marks = async (t: Test, profile: string, path: string, wanted: RegExp | null) => {
    const folder = profile === 'system' ? '/var/lib/belay' : '/var/lib/belay/homes/alice'
    const all = JSON.parse((await host.run(['cat', `${folder}/marks.json`])).stdout || '{"marks":[]}')
    const mark = all.marks.find((each: { storePath: string }) => each.storePath === path)
    if (wanted === null) t.not(mark?.state, 'bad', `${profile} is not at fault`)
    else t.match(mark, { state: 'bad', reason: wanted })
  }

  await t.test('belay deploy moves both, and says so everywhere', async (t) => {
    write({ 'alice@cinnabar': alice('second'), bob: { user: 'bob', generation: 'second', files: {} } })
    fleet.writeGenerations({ cinnabar: system('second') })
    const plan = await belay('--json', 'plan')
    t.equal(plan.code, 0, plan.stderr)
    const plans = (JSON.parse(plan.stdout) as { hosts: { host: string; plan: { profile: string } }[] }).hosts
    t.match(plans, [
      { host: 'cinnabar', plan: { profile: 'system' } },
      { host: 'alice@cinnabar', plan: { profile: 'home:alice', files: [{ path: '.config/greeting' }, {}] } }
    ])
    const before = await truth()
    const done = await belay('deploy')
    t.equal(done.code, 0, `${done.stdout}${done.stderr}`)
    const now = await truth()
    t.match(now.system.running, /second/)
    t.equal(now.system.profile, now.system.running)
    t.not(now.alice.profile, before.alice.profile)
    t.equal(now.alice.current, now.alice.profile)
    t.match(await world.as('alice', 'systemctl --user show -P ExecStart web'), /sleep 6000/)
    const { operations } = JSON.parse(await world.get('/v1/operations')) as { operations: object[] }
    t.match(operations, [{ phase: 'committed', profile: 'system', homes: [{ user: 'alice' }] }])
    t.equal(operations.length, 1, 'it was one')
    t.match((await belay('status')).stdout, /cinnabar .*committed[\s\S]*alice@ +standalone .*committed/)
    t.match((await belay('deploy')).stdout, /unchanged/)
  })

  await t.test('a home alone: its user is not logged in, and the system stays', async (t) => {
    const before = await truth()
    const done = await belay('deploy', '--home', 'bob')
    t.equal(done.code, 0, `${done.stdout}${done.stderr}`)
    t.match(done.stdout, /bob@cinnabar +committed/)
    t.match((await world.truth('bob', 'global')).links, [])
    t.same(await truth(), before)
  })

  await t.test('a home that fails brings both back, and only it is to blame', async (t) => {
    const before = await truth()
    const path = await next('third')
    const ended = await world.reach(await begin(path, 'failing'), 'rolled-back')
    t.match(ended, {
      code: 'home-failed',
      reason: /home of alice: failed since the activation: web\.service/
    })
    t.same(await truth(), before)
    await marks(t, 'system', path, null)
    await marks(t, 'home:alice', world.path('failing'), /web\.service/)
  })

  await t.test('a file in the way of the home brings the system back too', async (t) => {
    const link = (await world.as('alice', 'readlink ~/.config/greeting')).trim()
    await world.as('alice', 'rm ~/.config/greeting; echo mine > ~/.config/greeting')
    const before = await truth()
    const ended = await world.reach(await begin(await next('third'), 'third'), 'rolled-back')
    t.match(ended, { code: 'home-failed', reason: /in the way of the new home of alice: .*greeting/ })
    t.same(await truth(), before)
    t.equal(await world.as('alice', 'cat ~/.config/greeting'), 'mine', 'it is where it was')
    await marks(t, 'home:alice', world.path('third'), null)
    await world.as('alice', `ln -sf ${link} ~/.config/greeting`)
  })

  await t.test('a system that fails leaves the home alone', async (t) => {
    const before = await truth()
    const path = await next('broken', { exitCode: 2 })
    t.match(await world.reach(await begin(path, 'third'), 'rolled-back'), { code: 'regression' })
    t.same(await truth(), before)
    await marks(t, 'system', path, /exited 2/)
    await marks(t, 'home:alice', world.path('third'), null)
  })

  await t.test('runner and agent are gone: the guard brings both back', async (t) => {
    const before = await truth()
    const id = await begin(await next('third'), 'third', '--window', '60')
    await world.reach(id, 'confirming')
    t.not((await truthOf(host)).running, before.system.running)
    await world.sh('systemctl stop belay-agent belay-operation')
    await world.sh(`echo '999999 1' > /var/lib/belay/operations/${id}/window`)
    const outcome = ['cat', `/var/lib/belay/operations/${id}/guard-outcome`]
    await host.waitFor(async () => (await host.run(outcome)).stdout.trim() === '0', 90_000, 'the guard')
    const home = await host.run([
      'readlink',
      '-f',
      '/home/alice/.local/state/home-manager/gcroots/current-home'
    ])
    t.equal(home.stdout.trim(), before.alice.current, 'by the guard, not by the runner that comes later')
    t.match(await world.reach(id, 'rolled-back'), { code: 'guard' })
    t.same(await truth(), before)
  })

  await t.test('the power goes in the window: both are back', async (t) => {
    const before = await truth()
    await world.reach(await begin(await next('third'), 'third', '--window', '600'), 'confirming')
    await host.powerCut()
    await host.boot()
    await host.waitFor(async () => (await host.run(['belay-agent', 'status'])).code === 0, 60_000, 'agent')
    const { operations } = JSON.parse(await world.get('/v1/operations')) as { operations: { id: string }[] }
    t.match(await world.reach(operations[0]?.id ?? '', 'rolled-back'), { code: 'rebooted' })
    t.same(await truth(), before)
  })

  await t.test('a user who breaks the way back keeps the system from nothing', async (t) => {
    const before = await truth()
    const id = await begin(await next('third'), 'third', '--window', '5')
    await world.reach(id, 'confirming')
    await world.as('alice', 'mv ~/.local/state ~/.local/s; ln -s /root ~/.local/state')
    await world.reach(id, 'rolled-back')
    t.equal((await truthOf(host)).running, before.system.running)
    const open = async () => {
      const { operations } = JSON.parse(await world.get('/v1/operations')) as {
        operations: { id: string; profile: string; kind: string; phase: string }[]
      }
      return operations[0]
    }
    await host.waitFor(
      async () => (await open())?.phase === 'stuck',
      90_000,
      'the rollback of the home alone'
    )
    t.match(await open(), { profile: 'home:alice', kind: 'rollback' })
    t.equal((await host.run(['belay-agent', 'activate', '--auto-confirm', before.system.running])).code, 0)
    await world.as('alice', 'rm ~/.local/state; mv ~/.local/s ~/.local/state')
    await world.sh('belay-agent rollback --profile home:alice')
    t.same(await truth(), before)
  })

  await t.test('the audit misses an operation on a home too, and believes no user', async (t) => {
    const audit = () => host.run(['belay-agent', 'audit', 'verify'])
    t.match(await audit(), { code: 0 })
    const { operations } = JSON.parse(await world.get('/v1/operations')) as {
      operations: { id: string; profile: string }[]
    }
    const { id = '' } = operations.find(({ profile }) => profile === 'home:bob') ?? {}
    const forged = 'MESSAGE=x\\nUNIT=belay-home-bob.service\\nBELAY_OPERATION=20990101T000000000Z-00000000\\n'
    await world.as('alice', `printf '${forged}' | logger --journald`)
    await world.sh(`mv /var/lib/belay/operations/${id} /root/; journalctl --sync`)
    const { code, stdout } = await audit()
    t.equal(code, 1)
    t.match(stdout, new RegExp(`${id} +missing`))
    t.notMatch(stdout, /20990101/)
    await world.sh(`mv /root/${id} /var/lib/belay/operations/`)
  })
})
