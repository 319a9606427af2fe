import t from 'tap'
import { judgeHome, judgeManager } from '../../../../agent/platform/home/preflight.ts'

const seen = {
  uid: 1000,
  home: '/home/alice',
  profile: '/home/alice/.local/state/nix/profiles/home-manager',
  number: 1,
  storePath: null,
  generations: [],
  root: null,
  running: null,
  manager: true,
  failedUnits: [],
  runningUnits: []
}

t.test('a home that Belay may activate', async (t) => {
  t.match(judgeHome('alice', seen, null), { result: 'pass' })
  t.match(judgeHome('alice', seen, { unit: 'u', problem: null }), { result: 'fail', code: 'home-integrated' })
  t.match(judgeHome('alice', seen, 'no answer'), { result: 'fail', code: 'home-unknown' })
  t.match(judgeHome('alice', 'it hangs', null), {
    result: 'fail',
    code: 'home-unknown',
    evidence: /it hangs/
  })
  t.match(judgeHome('alice', { ...seen, profile: null }, null), { result: 'fail', code: 'home-unknown' })
})

t.test('without a service manager of the user nobody can tell whether the units work', async (t) => {
  t.match(judgeManager('alice', seen, 'fail'), { result: 'pass' })
  const away = { ...seen, manager: false }
  t.match(judgeManager('alice', away, 'warn'), { result: 'warn', remedy: 'loginctl enable-linger alice' })
  t.match(judgeManager('alice', away, 'fail'), { result: 'fail', code: 'no-user-manager' })
  t.match(judgeManager('alice', 'it hangs', 'fail'), { result: 'unknown' })
})
