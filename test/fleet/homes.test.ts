import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import type { Preflight } from '../../shared/api/preflight.ts'
import { recipientOfSshKey } from '../../shared/secrets/age.ts'
import { sopsFile } from '../shared/secrets/sops-files.ts'
import { realAgent, truthOf } from './deployment.ts'
import { startFleet } from './fleet.ts'
import { HomeWorld } from './home-world.ts'
import type { Host } from './host.ts'
import { fleetUnavailable } from './root.ts'

const unit = (body: string) =>
  `[Service]\nExecStart=/bin/sh -c "${body}"\n[Install]\nWantedBy=default.target\n`
const web = '.config/systemd/user/web.service'
const alice = (generation: string, more: object = {}, files: object = {}) => ({
  ...{ user: 'alice', generation, ...more },
  files: { '.config/greeting': generation, [web]: unit(`exec sleep ${generation.length}000`), ...files }
})
const integrated = `[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n`

/** A store path with a manifest of sops-nix as home-manager makes it in its closure; in nothing else it is a home. */
async function manifestOfHome(host: Host, recipient: string, key: string): Promise<string> {
  const add = async (name: string, text: string) => {
    writeFileSync(join(host.root, 'root', name), text)
    return (await host.must(['nix-store', '--add', `/root/${name}`])).trim()
  }
  const sealed = await add('mail.json', sopsFile('json', [recipient]))
  const links = '/home/alice/.config/sops-nix/secrets'
  const secret = { name: 'mail', path: `${links}/mail`, mode: '0400', sopsFile: sealed, format: 'json' }
  const manifest = {
    ...{ userMode: true, symlinkPath: links, secretsMountPoint: '%r/secrets.d', ageSshKeyPaths: [key] },
    ...{ secrets: [secret], templates: [{ name: 'rc', path: `${links}/rendered/rc`, content: 'x' }] }
  }
  const path = await add('manifest.json', JSON.stringify(manifest))
  const use = `derivation { name = "use"; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-c" "echo ${'${builtins.storePath '}${path}} > $out" ]; }`
  return (await host.must(['nix-build', '--no-out-link', '-E', use])).trim()
}

t.test('homes of two users on a host', { skip: fleetUnavailable() ?? false, timeout: 900_000 }, async (t) => {
  await using fleet = await startFleet({
    hosts: ['cinnabar'],
    agent: realAgent(),
    generations: {
      cinnabar: {
        generation: 'baseline',
        agent: 'bundle',
        agentConfig: {
          homes: { users: ['alice', 'bob', 'carol', 'root'] },
          checks: {
            'of-alice': { kind: 'user-units', user: 'alice', units: ['web.service'] },
            'of-carol': { kind: 'user-units', user: 'carol' }
          }
        },
        units: { 'home-manager-carol.service': integrated }
      }
    }
  })
  const host = fleet.host('cinnabar')
  const world = new HomeWorld(host)
  await world.build({
    one: alice('one'),
    second: alice('second', {}, { '.config/new/file': 'new' }),
    half: alice('half', { failsAt: 'linkGeneration' }, { '.config/half/file': 'half' }),
    third: alice('third', {}, { '.config/third': 'third' }),
    failing: alice('failing', {}, { [web]: unit('exit 1') }),
    bob: { user: 'bob', generation: 'one', files: { '.greeting': 'one' } },
    old: {
      user: 'bob',
      generation: 'old',
      genVersion: 'none',
      files: { '.greeting': 'old', '.old/file': 'x' }
    },
    clash: { user: 'bob', generation: 'clash', files: { '.greeting': 'clash', '.profile': 'not yours' } }
  })
  await world.addUser('alice', 'home', 'one')
  await world.addUser('bob', 'global', 'bob')
  await world.sh('useradd --create-home carol')
  await world.linger('alice', 1000)
  const system = await truthOf(host)
  const before = { alice: await world.truth('alice', 'home'), bob: await world.truth('bob', 'global') }
  const systemStays = async (t: Test) => t.same(await truthOf(host), { ...system, guards: [] })

  await t.test('they show, each as what it is', async (t) => {
    const { profiles } = JSON.parse(await world.get('/v1/profiles')) as {
      profiles: { profile: string; running: string; home?: object }[]
    }
    t.match(profiles[0], { profile: 'system', running: system.running })
    t.match(profiles[1], { profile: 'home:alice', running: world.path('one'), number: 1 })
    t.match(profiles[1]?.home, { kind: 'standalone', userManager: true, problem: null })
    t.match(profiles[2], { profile: 'home:bob', running: world.path('bob'), number: 1 })
    t.match(profiles[3]?.home, { kind: 'integrated', problem: null })
    t.match(profiles[4]?.home, { kind: 'unknown', problem: /root is root/ })
  })

  await t.test('secrets of a home are for keys that its user can open', async (t) => {
    for (const user of ['alice', 'bob'])
      await world.as(user, "mkdir -m 700 .ssh && ssh-keygen -q -t ed25519 -N '' -f .ssh/own && chmod 700 .")
    const [alices, bobs] = ['alice', 'bob'].map((user) =>
      recipientOfSshKey(readFileSync(join(host.root, `home/${user}/.ssh/own.pub`), 'utf8'))
    ) as [string, string]
    const look = async (recipient: string, key: string) => {
      const path = await manifestOfHome(host, recipient, key)
      const argv = ['belay-agent', '--json', 'preflight', '--profile', 'home:alice', path]
      const { checks } = JSON.parse((await host.run(argv)).stdout) as Preflight
      return checks.find(({ name }) => name === 'secrets')
    }
    const own = '/home/alice/.ssh/own'
    t.match(await look(alices, own), { result: 'pass', evidence: /1 secrets in 1 files.*1 templates/ })
    const foreign = await look(bobs, own)
    t.match(foreign, { result: 'fail', code: 'secret-undecryptable', evidence: /^mail in .*for age1/ })
    t.ok(foreign?.evidence.includes(`${alices} (${own})`), 'with the key that the user has')
    const stolen = await look(bobs, '/home/bob/.ssh/own')
    t.match(
      stolen,
      { result: 'fail', evidence: /this host has no \/home\/bob/ },
      'root opens nothing for them'
    )
  })

  await t.test('a check looks at the units of a user', async (t) => {
    const run = (name: string) => host.run(['belay-agent', 'check', 'run', name])
    t.match(await run('of-alice'), { code: 0, stdout: /pass.*active: web\.service/ })
    await world.as('alice', 'XDG_RUNTIME_DIR=/run/user/1000 systemctl --user stop web')
    t.match(await run('of-alice'), { code: 1, stdout: /fail.*web\.service is inactive/ })
    await world.as('alice', 'XDG_RUNTIME_DIR=/run/user/1000 systemctl --user start web')
    t.match(await run('of-carol'), { stdout: /unknown.*carol is not logged in/ })
  })

  await t.test('what is none of them is refused before anything is written', async (t) => {
    const refused = async (user: string, path: string, code: string) => {
      const { code: exit, stderr } = await host.run([
        'belay-agent',
        'activate',
        '--profile',
        `home:${user}`,
        path
      ])
      t.equal(exit, 1)
      t.match(stderr, new RegExp(`\\(${code}\\)`))
    }
    await refused('carol', world.path('second'), 'home-integrated')
    await refused('root', world.path('second'), 'home-unknown')
    await refused('dave', world.path('second'), 'home-unknown')
    await refused('bob', world.path('second'), 'wrong-user')
    await refused('alice', system.running, 'not-a-home')
    t.same(JSON.parse(await world.get('/v1/operations')), { operations: [] })
  })

  await t.test(
    'one is confirmed, across the death of the agent, while nobody confirms the other',
    async (t) => {
      const [good, unheard] = [
        await world.begin('alice', 'second', '--window', '60'),
        await world.begin('bob', 'old', '--window', '5')
      ]
      await world.reach(good, 'confirming')
      await world.sh('kill -KILL $(systemctl show -P MainPID belay-agent)')
      await host.waitFor(async () => (await host.run(['belay-agent', 'status'])).code === 0, 'agent')
      await world.sh(`belay-agent confirm ${good}`)
      t.match(await world.reach(unheard, 'rolled-back'), { code: 'confirm-timeout' })
      const now = await world.truth('alice', 'home')
      t.match(now, { profile: world.path('second'), current: world.path('second'), strangers: '' })
      t.ok(now.links.some((link) => link.startsWith('.config/new/file')))
      t.match(await world.as('alice', 'systemctl --user show -P ExecStart web'), /sleep 6000/)
      t.same(
        await world.truth('bob', 'global'),
        before.bob,
        'an old generation moved the profile, and that is back'
      )
      await systemStays(t)
    }
  )

  await t.test('a file in the way: it is named, and nothing has changed', async (t) => {
    const id = await world.begin('bob', 'clash')
    const ended = await world.reach(id, 'rolled-back')
    t.match(ended, { code: 'home-collision', reason: /\/home\/bob\/\.profile.*nothing was changed/ })
    t.same(await world.truth('bob', 'global'), before.bob)
    const marks = await world.sh('cat /var/lib/belay/homes/bob/marks.json')
    t.notMatch(marks, world.path('clash'), 'it is not the fault of the generation')
  })

  await t.test(
    'half an activation leaves nothing behind, and a unit that fails is a regression',
    async (t) => {
      const now = await world.truth('alice', 'home')
      const id = await world.begin('alice', 'half')
      t.match(await world.reach(id, 'rolled-back'), { code: 'regression', reason: /exited 1/ })
      t.same(await world.truth('alice', 'home'), now)
      const bad = await world.begin('alice', 'failing')
      t.match(await world.reach(bad, 'rolled-back'), { code: 'regression', reason: /web\.service/ })
      t.same(await world.truth('alice', 'home'), now)
      t.match(await world.as('alice', 'systemctl --user is-active web'), /^active/)
    }
  )

  await t.test('runner and agent are gone: the guard brings the home back, and no more', async (t) => {
    const now = await world.truth('alice', 'home')
    const id = await world.begin('alice', 'third', '--window', '60')
    await world.reach(id, 'confirming')
    await world.sh('systemctl stop belay-agent belay-operation-home-alice')
    await world.sh(`echo '999999 1' > /var/lib/belay/operations/${id}/window`)
    const outcome = `/var/lib/belay/operations/${id}/guard-outcome`
    await host.waitFor(async () => (await host.run(['cat', outcome])).stdout.trim() === '0', 'the guard')
    await world.reach(id, 'rolled-back')
    t.same(await world.truth('alice', 'home'), now)
    await systemStays(t)
  })

  await t.test('a user who breaks the way back keeps nothing but the own home waiting', async (t) => {
    const now = await world.truth('alice', 'home')
    const id = await world.begin('alice', 'third', '--window', '5', '--again')
    await world.reach(id, 'confirming')
    // Nor does a link of hers lead root anywhere.
    await world.as('alice', 'mv ~/.local/state ~/.local/s; ln -s /root ~/.local/state')
    await world.reach(id, 'stuck')
    t.equal((await host.run(['belay-agent', 'activate', '--auto-confirm', system.running])).code, 0)
    t.equal((await host.run(['ls', '/root/home-manager'])).code, 2, 'nothing was written there')
    await world.as('alice', 'rm ~/.local/state; mv ~/.local/s ~/.local/state')
    await world.sh('belay-agent rollback --profile home:alice')
    t.same(await world.truth('alice', 'home'), now)
    const held = await host.run(['belay-agent', 'activate', '--profile', 'home:alice', world.path('one')])
    t.match(held.stderr, /\(held\)/)
    t.equal((await host.run(['belay-agent', 'activate', '--auto-confirm', system.running])).code, 0)
    await world.sh('belay-agent release --profile home:alice')
  })

  await t.test('the power goes in the window: the baseline is back when the host is', async (t) => {
    const now = await world.truth('alice', 'home')
    const id = await world.begin('alice', 'third', '--window', '600', '--again')
    await world.reach(id, 'confirming')
    await host.powerCut()
    await host.boot()
    t.match(await world.reach(id, 'rolled-back'), { code: 'rebooted' })
    t.same(await world.truth('alice', 'home'), now)
    await systemStays(t)
  })

  await t.test('an emergency rollback needs no agent, and moves the home alone', async (t) => {
    await world.sh('systemctl stop belay-agent; belay-agent rollback --profile home:alice')
    t.match(await world.truth('alice', 'home'), { profile: world.path('one'), current: world.path('one') })
    await systemStays(t)
  })
})
