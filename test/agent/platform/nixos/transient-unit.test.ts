import { join } from 'node:path'
import t from 'tap'
import { activationCommand, readOutcome } from '../../../../agent/platform/nixos/transient-unit.ts'

const activation = {
  toplevel: `/nix/store/${'a'.repeat(32)}-nixos-system`,
  action: 'test',
  unchecked: false,
  operation: '20260102T030405678Z-00000000',
  limitSeconds: 300,
  outcomeFile: '/var/lib/belay/operations/x/outcome',
  outcomeScript: '/var/lib/belay/operations/x/outcome.sh'
} as const

t.test(
  'an activation runs under the name that nixos-rebuild uses, bounded, and never on a pipe',
  async (t) => {
    const argv = activationCommand(activation)
    t.ok(argv.includes('--unit=nixos-rebuild-switch-to-configuration'))
    t.ok(argv.includes('--property=RuntimeMaxSec=300'))
    t.notOk(argv.some((arg) => arg.startsWith('--pipe')))
    t.same(argv.slice(-3), ['--', `${activation.toplevel}/bin/switch-to-configuration`, 'test'])
    t.ok(
      argv.includes(`--property=ExecStopPost=/bin/sh ${activation.outcomeScript} ${activation.outcomeFile}`)
    )
    t.notOk(argv.some((arg) => arg.includes('$')))
  }
)

t.test('an outcome is three words on a whole line', async (t) => {
  const dir = t.testdir({ good: 'exit-code exited 4\n', torn: 'exit-code exited', empty: '' })
  t.same(await readOutcome(join(dir, 'good')), { result: 'exit-code', code: 'exited', status: '4' })
  for (const name of ['torn', 'empty', 'missing']) t.equal(await readOutcome(join(dir, name)), null, name)
})
