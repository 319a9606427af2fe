import t from 'tap'
import { containedCommand } from '../../../agent/health/world.ts'

t.test('a command runs in a unit from which nothing escapes, and arguments stay arguments', async (t) => {
  const what = { unit: 'belay-check-x-1.service', argv: ['--version', '$HOME %n'], timeoutSeconds: 7 }
  const argv = containedCommand({ ...what, contained: { user: 'alice', environment: { A: '--b c' } } })
  t.same(argv.slice(-3), ['--', '--version', '$HOME %n'])
  for (const part of [
    ...[
      '--unit=belay-check-x-1.service',
      '--uid=alice',
      '--setenv=A=--b c',
      '--expand-environment=no',
      '--collect'
    ],
    ...['--property=RuntimeMaxSec=12', '--property=KillMode=control-group', '--property=WorkingDirectory=-~']
  ])
    t.ok(argv.indexOf(part) > 0 && argv.indexOf(part) < argv.indexOf('--'), part)
  t.match(
    argv.find((each) => each.startsWith('--setenv=PATH=')),
    '/etc/profiles/per-user/alice/bin:'
  )
  const root = containedCommand({ ...what, contained: { user: null, environment: {} } })
  t.notOk(root.some((each) => each.startsWith('--uid')))
})
