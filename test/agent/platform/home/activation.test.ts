import t from 'tap'
import { homeCommand } from '../../../../agent/platform/home/activation.ts'
import { believeIn, profileBack } from '../../../../agent/platform/home/profile.ts'

const generation = `/nix/store/${'a'.repeat(32)}-home-manager-generation`
const order = { id: '20260102T030405678Z-00000000', user: 'alice', manager: { uid: 1000 }, limitSeconds: 300 }
const action = {
  storePath: generation,
  script: [`${generation}/activate`, '--driver-version', '1'],
  wayBack: false
}
const files = {
  outcomeScript: '/var/lib/belay/operations/x/outcome.sh',
  outcomeFile: '/var/lib/belay/operations/x/outcome'
}

t.test('a home is activated as its user, under a name of its own, bounded, never on a pipe', async (t) => {
  const argv = homeCommand(order, action, files)
  for (const wanted of ['--uid=alice', '--unit=belay-home-alice.service', '--property=RuntimeMaxSec=300'])
    t.ok(argv.includes(wanted), wanted)
  t.ok(argv.includes('--setenv=XDG_RUNTIME_DIR=/run/user/1000'))
  t.notOk(argv.some((arg) => arg.startsWith('--pipe') || arg.includes('HOME_MANAGER_BACKUP_EXT')))
  t.ok(argv.includes(`--property=ExecStopPost=+/bin/sh ${files.outcomeScript} ${files.outcomeFile}`))
  t.same(argv.slice(argv.indexOf('--')), ['--', ...action.script])
  const alone = homeCommand({ ...order, manager: null }, action, files)
  t.notOk(alone.some((arg) => arg.includes('XDG_RUNTIME_DIR')))
})

t.test('on the way back what is in the way is moved aside', async (t) => {
  const argv = homeCommand(order, { ...action, wayBack: true }, null)
  t.ok(argv.includes('--setenv=HOME_MANAGER_BACKUP_EXT=belay-20260102t030405678z-00000000'))
  t.ok(argv.includes('--wait'))
})

t.test('nothing that systemd or a shell expands', async (t) => {
  for (const script of ['/nix/store/x$y', '/nix/store/x y', '/nix/store/%n', "/nix/store/'"])
    t.throws(() => homeCommand(order, { ...action, script: [script] }, files), /not fit/, script)
  t.throws(() => homeCommand({ ...order, user: 'a b' }, action, files), /not fit/)
})

t.test('ways of a profile', async (t) => {
  const profile = '/home/alice/.local/state/nix/profiles/home-manager'
  const set = ['nix-env', '--profile', profile, '--set', generation]
  t.same(profileBack(profile, { number: null, storePath: generation }), [set])
  t.same(profileBack(profile, { number: 4, storePath: generation }), [
    ['nix-env', '--profile', profile, '--switch-generation', '4'],
    set
  ])
  t.same(believeIn(generation, { root: '/r', profile }, true), [
    'nix-store',
    '--realise',
    generation,
    '--add-root',
    '/r'
  ])
  t.same(believeIn(generation, { root: '/r', profile }, false), set)
})
