import { cpSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { Collected } from '../../agent/retention/gc.ts'
import { keyRing } from '../agent/security/keys.ts'
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
const users = ['alice', 'bob']
const signers = '/var/lib/signers'
const system = (generation: string, more: Partial<Generation> = {}): Generation => ({
  ...{ generation, agent: 'bundle', agentConfig: { homes: { users } } },
  ...more
})
/** The first one activates nothing that nobody has signed; the next ones ask for no signature. */
const strict = { homes: { users }, approval: { required: 'always', signersFile: signers } }

/** What `belay` reads on the operator's machine. */
const fleetFile = `version: 1
flake: path:/root/fleet
defaults: { push: { checkSignatures: false }, confirm: { windowSeconds: 60 } }
rollout: { stages: [{ name: all, select: {}, approval: true }] }
hosts:
  cinnabar:
    homes: { alice: { withSystem: true }, bob: { attribute: homeConfigurations.bob.activationPackage } }
`

const skip = fleetUnavailable() ?? false
t.test('a system and homes, as one operation and apart', { skip, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({
    ...{ hosts: ['cinnabar'], operator: true, agent: realAgent() },
    generations: { cinnabar: system('baseline', { agentConfig: strict }) }
  })
  const host = fleet.host('cinnabar')
  const world = new HomeWorld(host)
  const here = join(fleet.operator.root, 'root')
  const ring = keyRing(t.testdir({}))
  const trusted = `mia@example.org namespaces="belay-approval@belay" ${ring.make('mia')}\n`
  writeFileSync(join(host.root, signers), trusted, { mode: 0o644 })
  for (const end of ['', '.pub']) cpSync(ring.file(`mia${end}`), join(here, `mia${end}`))
  writeFileSync(join(here, 'fleet.yaml'), fleetFile)
  const bob: Home = { user: 'bob', generation: 'second', files: {} }
  writeFileSync(join(here, 'fleet/homes.json'), JSON.stringify({ 'alice@cinnabar': alice('second'), bob }))
  const belay = (...args: string[]) => fleet.operator.run(['belay', '--fleet', '/root/fleet.yaml', ...args])
  await world.build({
    one: alice('one'),
    failing: alice('failing', fails),
    third: alice('third'),
    bob: { user: 'bob', generation: 'one', files: { '.greeting': 'one' } }
  })
  await world.addUser('alice', 'home', 'one')
  await world.addUser('bob', 'global', 'bob')
  await world.linger('alice', 1000)
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

  await t.test('a home alone, signed for: its user is not logged in, and the system stays', async (t) => {
    const before = await truth()
    const planned = await belay('--json', 'plan', '--home', 'bob')
    t.equal(planned.code, 0, planned.stderr)
    writeFileSync(join(here, 'plan.json'), planned.stdout)
    const { hosts } = JSON.parse(planned.stdout) as {
      hosts: { host: string; plan: { to: string } }[]
    }
    t.match(hosts, [{ host: 'bob@cinnabar', plan: { profile: 'home:bob' } }])
    const path = hosts[0]?.plan.to ?? ''
    const given = ['--no-build', '--no-push', '--path', `bob@cinnabar=${path}`]
    const unsigned = await belay('deploy', '--home', 'bob', ...given)
    t.equal(unsigned.code, 1)
    t.match(unsigned.stdout, /approval-missing/)
    const terms = ['--plan', '/root/plan.json', '--path', path, '--key', '/root/mia']
    t.match(await belay('approve', 'cinnabar', ...terms), { code: 2, stderr: /it has no plan of cinnabar/ })
    const signed = await belay('approve', 'cinnabar', '--home', 'bob', ...terms)
    t.match(signed, { code: 0, stderr: /profile: home:bob/, stdout: /approved by mia@example\.org/ })
    const done = await belay('deploy', '--home', 'bob', ...given)
    t.equal(done.code, 0, `${done.stdout}${done.stderr}`)
    t.match(done.stdout, /bob@cinnabar +committed/)
    t.same((await world.truth('bob', 'global')).links, [])
    t.same(await truth(), before)
  })

  await t.test('a rollout moves both as one, signed for both, and says so everywhere', async (t) => {
    fleet.writeGenerations({ cinnabar: system('second') })
    const before = await truth()
    const waiting = await belay('rollout', 'start', '--wait', '0s')
    t.equal(waiting.code, 5, `${waiting.stdout}${waiting.stderr}`)
    t.same(await truth(), before)
    const signed = await belay('rollout', 'approve', 'all', '--sign', '--key', '/root/mia')
    t.equal(signed.code, 0, `${signed.stdout}${signed.stderr}`)
    t.match(signed.stderr, /profile: system[\s\S]*profile: home:alice/)
    t.match(signed.stdout, /cinnabar {2}signed plan [\s\S]*alice@cinnabar {2}signed plan /)
    const done = await belay('rollout', 'drive', '--wait', '120s')
    t.equal(done.code, 0, `${done.stdout}${done.stderr}`)
    const now = await truth()
    t.match(now.system.running, /second/)
    t.equal(now.system.profile, now.system.running)
    t.not(now.alice.profile, before.alice.profile)
    t.equal(now.alice.current, now.alice.profile)
    t.match(await world.as('alice', 'systemctl --user show -P ExecStart web'), /sleep 6000/)
    const { operations } = JSON.parse(await world.get('/v1/operations')) as { operations: object[] }
    const both = { phase: 'committed', profile: 'system', homes: [{ user: 'alice' }] }
    t.match(operations, [both, { phase: 'committed', profile: 'home:bob' }])
    t.equal(operations.length, 2, 'it was one, and the home alone before')
    t.match((await belay('status')).stdout, /cinnabar .*committed[\s\S]*alice@ +standalone .*committed/)
  })

  await t.test('generations of a home are deleted as its user, and by nobody else', async (t) => {
    const before = await truth()
    const profile = world.profile('alice', 'home')
    const numbers = async () =>
      (await world.sh(`ls -d ${profile}-*-link | sed 's/.*manager-//; s/-link//' | sort -n`)).split('\n')
    const turns = [1, 2, 3].map(() => `${world.path('third')} ${before.alice.profile}`).join(' ')
    await world.as('alice', `for path in ${turns}; do nix-env --profile ${profile} --set $path; done`)
    await world.as('alice', `touch -h -d '60 days ago' ${profile}-*-link`)
    const all = await numbers()
    t.equal(all.length, 8)
    const rule = { homes: { users }, retention: { keep: 5, days: 30 } }
    writeFileSync(join(host.root, 'root/rule.json'), JSON.stringify(rule))
    const gc = async () => {
      const { stdout } = await host.run(['belay-agent', '--json', '--config', '/root/rule.json', 'gc'])
      return (JSON.parse(stdout) as Collected).homes
    }
    // Root could delete here all the same; she cannot.
    await world.sh(`chown root: ${dirname(profile)}`)
    t.match(await gc(), [
      { user: 'alice', problem: /nix-env as alice exited/ },
      { user: 'bob', problem: null }
    ])
    t.same(await numbers(), all)
    await world.sh(`chown alice: ${dirname(profile)}`)
    const [ofAlice] = await gc()
    t.match(ofAlice, { user: 'alice', problem: null })
    const going = ofAlice?.generations.flatMap(({ number, keep }) => (keep ? [] : [String(number)])) ?? []
    t.ok(going.length > 0)
    t.same(ofAlice?.deleted.map(String), going)
    t.same(
      await numbers(),
      all.filter((number) => !going.includes(number))
    )
    t.same(await truth(), before, 'what runs and what the profile names is what it was')
  })

  // NixOS restarts the agent when its settings change; the stand-in does not.
  await world.sh('systemctl restart belay-agent')
  const third = await next('third')
  await t.test('a home that fails brings both back, and only it is to blame', async (t) => {
    const before = await truth()
    const ended = await world.reach(await begin(third, 'failing'), 'rolled-back')
    t.match(ended, {
      code: 'home-failed',
      reason: /home of alice: failed since the activation: web\.service/
    })
    t.same(await truth(), before)
    await marks(t, 'system', third, null)
    await marks(t, 'home:alice', world.path('failing'), /web\.service/)
  })

  await t.test('a file in the way of the home brings the system back too', async (t) => {
    const link = (await world.as('alice', 'readlink ~/.config/greeting')).trim()
    await world.as('alice', 'rm ~/.config/greeting; echo mine > ~/.config/greeting')
    const before = await truth()
    const ended = await world.reach(await begin(third, 'third'), 'rolled-back')
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
    const id = await begin(third, 'third', '--window', '60')
    await world.reach(id, 'confirming')
    t.not((await truthOf(host)).running, before.system.running)
    await world.sh('systemctl stop belay-agent belay-operation')
    await world.sh(`echo '999999 1' > /var/lib/belay/operations/${id}/window`)
    const outcome = ['cat', `/var/lib/belay/operations/${id}/guard-outcome`]
    await host.waitFor(async () => (await host.run(outcome)).stdout.trim() === '0', 'the guard')
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
    await world.reach(await begin(third, 'third', '--window', '600'), 'confirming')
    await host.powerCut()
    await host.boot()
    await host.waitFor(async () => (await host.run(['belay-agent', 'status'])).code === 0, 'agent')
    const { operations } = JSON.parse(await world.get('/v1/operations')) as { operations: { id: string }[] }
    t.match(await world.reach(operations[0]?.id ?? '', 'rolled-back'), { code: 'rebooted' })
    t.same(await truth(), before)
  })

  await t.test('a user who breaks the way back keeps the system from nothing', async (t) => {
    const before = await truth()
    const id = await begin(third, 'third', '--window', '5')
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
    await host.waitFor(async () => (await open())?.phase === 'stuck', 'the rollback of the home alone')
    t.match(await open(), { profile: 'home:alice', kind: 'rollback' })
    t.equal((await host.run(['belay-agent', 'activate', '--auto-confirm', before.system.running])).code, 0)
    await world.as('alice', 'rm ~/.local/state; mv ~/.local/s ~/.local/state')
    await world.sh('belay-agent rollback --profile home:alice')
    t.same(await truth(), before)
  })

  await t.test('the audit misses an operation on a home too, and believes no user', async (t) => {
    const audit = () => host.run(['belay-agent', 'audit', 'verify'])
    t.match(await audit(), { code: 0 })
    const id = await world.begin('bob', 'bob', '--auto-confirm')
    await world.reach(id, 'committed')
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
