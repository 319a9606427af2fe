import fc from 'fast-check'
import t from 'tap'
import { parseOutcome } from '../../../../agent/platform/darwin/activation.ts'
import { parseBootSession } from '../../../../agent/platform/darwin/boot-id.ts'
import { judgeJobs } from '../../../../agent/platform/darwin/failed-jobs.ts'
import { begunBy, readEffects } from '../../../../agent/platform/darwin/irreversible.ts'
import {
  activationsIn,
  judgeApps,
  judgeOthers,
  judgeSession
} from '../../../../agent/platform/darwin/preflight.ts'
import { halfActivated } from '../../../../agent/platform/darwin/regression.ts'
import { parseElapsed, sessionAge } from '../../../../agent/platform/darwin/session-start.ts'

const system = `/nix/store/${'a'.repeat(32)}-darwin-system-25.11`

t.test('the identity of a boot is a UUID and nothing else', async (t) => {
  t.equal(parseBootSession('5DC7F5E1-7B3A-4A52-9A40-1C4F9AD17B62\n'), '5DC7F5E1-7B3A-4A52-9A40-1C4F9AD17B62')
  fc.assert(
    fc.property(fc.string(), (each) => {
      t.throws(() => parseBootSession(each), { code: 'command-failed' })
    }),
    { numRuns: 50 }
  )
})

t.test(
  'how an activation ended: never with the code of a lock, which nix-darwin does not have',
  async (t) => {
    t.same(parseOutcome('success exit 0\n'), { result: 'success', code: 'exit', status: '0' })
    t.same(parseOutcome('exit-code exit 11\n'), { result: 'exit-code', code: 'exit', status: '11' })
    t.same(parseOutcome('timeout killed KILL\n'), { result: 'timeout', code: 'killed', status: 'KILL' })
    for (const torn of ['', 'success exit 0', 'success exit', 'success exited 0\n', 'x\nsuccess exit 0\n'])
      t.equal(parseOutcome(torn), null, JSON.stringify(torn))
    fc.assert(fc.property(fc.string(), (each) => parseOutcome(each)?.code !== 'exited'))
  }
)

t.test('jobs that do not run as they should', async (t) => {
  const listed = [
    { label: 'org.nixos.web', pid: 7, status: 1 },
    { label: 'org.nixos.db', pid: null, status: 78 },
    { label: 'org.nixos.once', pid: null, status: 0 },
    { label: 'com.apple.broken', pid: null, status: -9 }
  ]
  t.same(judgeJobs(['org.nixos.db', 'org.nixos.gone', 'org.nixos.once', 'org.nixos.web'], listed), [
    'org.nixos.db',
    'org.nixos.gone (not loaded)'
  ])
})

t.test('who else activates, by the list of processes', async (t) => {
  const hand = [
    `  812 /bin/bash ${system}/activate`,
    `91 ${system}/activate`,
    '77 /bin/bash /run/current-system/sw/bin/darwin-rebuild switch --flake .'
  ]
  const others = [
    '1 /sbin/launchd',
    `5 vim ${system}/activate`,
    `6 grep darwin-rebuild`,
    '8 /bin/sh /var/lib/belay/operations/x/mac-activate.sh'
  ]
  t.same(
    activationsIn([...hand, ...others].join('\n')),
    hand.map((line) => line.trim())
  )
  fc.assert(fc.property(fc.string(), (each) => activationsIn(each).length <= each.split('\n').length))
  const nobody = { operation: null, job: false, processes: [] }
  t.match(judgeOthers(nobody), { result: 'pass' })
  for (const some of [{ operation: 'x' }, { job: true }, { processes: hand }])
    t.match(judgeOthers({ ...nobody, ...some }), { result: 'fail', code: 'operation-running' })
})

t.test('somebody at the screen counts where something needs their session', async (t) => {
  t.match(judgeSession({ user: null, need: null }), { result: 'pass' })
  t.match(judgeSession({ user: { uid: 501, session: true }, need: 'Homebrew' }), { result: 'pass' })
  for (const user of [null, { uid: 501, session: false }])
    t.match(judgeSession({ user, need: 'Homebrew' }), {
      result: 'fail',
      code: 'no-user-session',
      remedy: /log in/
    })
})

t.test('applications: none, not tried, allowed, denied', async (t) => {
  t.match(judgeApps({ apps: 0, denied: null, tried: true }), { result: 'pass' })
  t.match(judgeApps({ apps: 2, denied: null, tried: false }), { result: 'unknown' })
  t.match(judgeApps({ apps: 2, denied: null, tried: true }), { result: 'pass' })
  t.match(judgeApps({ apps: 2, denied: 'EPERM', tried: true }), {
    code: 'apps-not-writable',
    remedy: /Full Disk Access/
  })
})

t.test('what a script does that another does not undo', async (t) => {
  const effects = readEffects(`
# defaults write com.example.comment a b
echo "brew bundle"
launchctl asuser "$(id -u -- operator)" sudo --user=operator -- defaults write com.apple.dock 'autohide' $'<?xml ...'
defaults write NSGlobalDomain "KeyRepeat" -int 2
defaults -currentHost write com.apple.x Y -bool true
PATH="/opt/homebrew/bin:$PATH" sudo --preserve-env=PATH --user=operator env brew bundle --file='/nix/store/x-Brewfile' --cleanup --zap
/usr/sbin/nvram StartupMute=%01
`)
  t.match(effects, { homebrew: true, homebrewRemoves: true, machine: ['nvram'] })
  t.same(
    [...effects.defaults.keys()],
    ['com.apple.dock autohide', 'NSGlobalDomain KeyRepeat', 'com.apple.x Y']
  )
  t.match(readEffects(''), { homebrew: false, machine: [] })
  fc.assert(fc.property(fc.string(), (each) => readEffects(each).machine.length <= 5))
  t.match(readEffects(`${'brew '.repeat(1_000_000)}bundle`), { homebrew: false }, 'a line without end')
  t.same(begunBy('setting up /etc...\nHomebrew bundle...\n', effects), ['Homebrew'])
  t.same(begunBy('setting up /etc...\n', effects), [])
})

t.test('a script that broke off is named, with what it said last and what stays', async (t) => {
  const effects = readEffects('brew bundle')
  const failed = { result: 'exit-code', code: 'exit', status: '1' }
  const said = 'Homebrew bundle...\nerror: no network, aborting activation\nbye\n'
  const error = halfActivated(failed, '/nix/store/old', system, said, effects)
  t.match(error, { code: 'half-activated', message: /no network.*not fully reversible: what Homebrew/ })
  t.notMatch(halfActivated(failed, '/nix/store/old', system, 'checks...\n', effects).message, /reversible/)
  t.match(halfActivated(null, null, system, '', effects).message, /nobody knows how/)
})

t.test('how long an ssh session has lasted', async (t) => {
  const list = `
    1     0 02-00:00:00 /sbin/launchd
  300     1    01:00:00 /usr/libexec/sshd-keygen-wrapper
  310   300       10:05 sshd-session: operator@ttys001
  320   310       10:04 -zsh
  400     1       00:30 login
  410   400       00:29 -zsh
`
  t.equal(sessionAge(list, 320), 605)
  t.equal(sessionAge(list, 410), null, 'a window of the terminal')
  t.equal(sessionAge(list, 999), null)
  t.equal(sessionAge('5 6 00:01 a\n6 5 00:01 b', 5), null, 'a circle ends')
  t.same(['01:02', '01:00:00', '2-00:00:01', '', 'x', '1'].map(parseElapsed), [
    62,
    3600,
    172_801,
    null,
    null,
    null
  ])
  fc.assert(fc.property(fc.string(), fc.nat(), (each, pid) => (sessionAge(each, pid) ?? 0) >= 0))
})
