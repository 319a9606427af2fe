import fc from 'fast-check'
import t from 'tap'
import { compareUnits, effectOf, effectOfRemoval, stopsBefore } from '../../../agent/preview/unit-compare.ts'
import { readUnit } from '../../../agent/preview/unit-file.ts'

const compare = (old: string, now: string) => compareUnits(readUnit([old]), readUnit([now]))

t.test('what a difference of two units asks for', async (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['[Service]\nExecStart=a', '[Service]\nExecStart=a', 'equal'],
    ['[Service]\nExecStart=a', '[Service]\nExecStart=b', 'restart'],
    ['[Service]\nExecStart=a\nUser=x', '[Service]\nUser=x\nExecStart=a', 'equal'],
    ['[Service]\nExecStart=a', '# note\n\n[Service]\n ExecStart = a\n', 'equal'],
    ['[Unit]\nDescription=a', '[Unit]\nDescription=b\nDocumentation=c', 'equal'],
    ['[Unit]\nAfter=a', '[Unit]\nAfter=b', 'restart'],
    ['[Unit]\nX-Reload-Triggers=a', '[Unit]\nX-Reload-Triggers=b', 'reload'],
    ['', '[Unit]\nX-Reload-Triggers=b', 'reload'],
    ['[Unit]\nX-Reload-Triggers=a', '', 'equal'],
    ['[Unit]\nX-Restart-Triggers=a', '[Unit]\nX-Restart-Triggers=b', 'restart'],
    ['[Service]\nExecReload=a\nType=x', '[Service]\nExecReload=b\nType=x', 'reload'],
    ['[Service]\nType=x', '[Service]\nExecReload=b\nType=x', 'reload'],
    ['[Service]\nExecReload=a\nType=x', '[Service]\nType=x', 'equal'],
    ['[Service]\nExecReload=a', '', 'equal'],
    ['[Service]\nExecReload=a\nType=x', '[Service]\nExecReload=b\nType=y', 'restart'],
    ['[Mount]\nOptions=a\nWhat=x', '[Mount]\nOptions=b\nWhat=x', 'reload'],
    ['[Mount]\nWhat=x', '[Mount]\nOptions=b\nWhat=x', 'restart'],
    ['[Install]\nWantedBy=a', '[Install]\nWantedBy=b', 'equal'],
    ['[Service]\nA=1', '[Service]\nA=1\n[Socket]', 'restart'],
    ['[Service]\nA=1\nA=2', '[Service]\nA=2', 'restart'],
    ['[Service]\nA=1\nA=\nA=2', '[Service]\nA=2', 'equal'],
    ['[Service]\nExecStart=a \\\n  b', '[Service]\nExecStart=a    b', 'equal']
  ]
  for (const [old, now, wanted] of cases) t.equal(compare(old, now), wanted, JSON.stringify([old, now]))
})

t.test('a drop-in adds, and an empty value begins anew', async (t) => {
  const read = (...texts: readonly string[]) => readUnit(texts).get('Service')?.get('E')
  t.same(read('[Service]\nE=1', '[Service]\nE=2'), ['1', '2'])
  t.same(read('[Service]\nE=1', '[Service]\nE=\nE=2'), ['2'])
  t.same(read('[Service]\nE=1', '[Service]\nE='), [])
})

t.test('what is done to a running unit', async (t) => {
  const effect = (unit: string, text: string, difference: 'reload' | 'restart' = 'restart') =>
    effectOf(unit, difference, readUnit([text])).action
  t.equal(effect('a.service', ''), 'restart')
  t.equal(effect('a.service', '', 'reload'), 'reload')
  t.equal(effect('a.service', '[Service]\nX-ReloadIfChanged=true'), 'reload')
  t.equal(effect('a.service', '[Service]\nX-RestartIfChanged=false'), 'keep')
  t.equal(effect('a.service', '[Service]\nX-RestartIfChanged=maybe'), 'keep', 'what is not true is false')
  t.equal(effect('a.service', '[Unit]\nRefuseManualStop=yes'), 'keep')
  t.equal(effect('a.service', '[Unit]\nX-OnlyManualStart=on'), 'keep')
  t.equal(effect('a.socket', ''), 'none')
  t.equal(effect('a.slice', ''), 'none')
  t.equal(effect('multi-user.target', ''), 'none')
  t.equal(effect('srv.mount', ''), 'restart')
  t.equal(effect('nix.mount', ''), 'reload')
  t.equal(effectOfRemoval(readUnit([''])).action, 'stop')
  t.equal(effectOfRemoval(readUnit(['[Unit]\nX-StopOnRemoval=false'])).action, 'keep')
  t.equal(stopsBefore('a.service', readUnit([''])), true)
  t.equal(stopsBefore('a.service', readUnit(['[Service]\nX-StopIfChanged=no'])), false)
  t.equal(stopsBefore('a.timer', readUnit([''])), false)
})

t.test('any text is read, and a unit does not differ from itself', async () => {
  const line = fc.oneof(
    fc.constantFrom('[Unit]', '[Service]', '[', '=', 'A=', 'A=1', 'B = 2', ';', '\\', '[Install]'),
    fc.string()
  )
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const unit = readUnit([lines.join('\n')])
      return compareUnits(unit, readUnit([lines.join('\n')])) === 'equal' && !unit.has('Install')
    })
  )
})
