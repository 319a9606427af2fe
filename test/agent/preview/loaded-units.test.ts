import fc from 'fast-check'
import t from 'tap'
import { readLoadedUnits, readUnitStates } from '../../../agent/preview/loaded-units.ts'

t.test('what systemctl show says of all units', async (t) => {
  const text = `ConditionResult=yes
ConditionTimestampMonotonic=5
Id=web.service
Following=
ActiveState=active
FragmentPath=/etc/systemd/system/web.service

Id=x.device
Following=y.device
ActiveState=active

Id=idle.service
ActiveState=inactive
ConditionResult=no
ConditionTimestampMonotonic=7
FragmentPath=/run/systemd/transient/idle.service

Id=never.service
ActiveState=inactive
ConditionResult=no
ConditionTimestampMonotonic=0

Id=failed.service
ActiveState=failed
ConditionResult=no
ConditionTimestampMonotonic=7
`
  t.same(
    [...readLoadedUnits(text)],
    [
      ['web.service', { state: 'active', ours: true, conditionsHold: true }],
      ['idle.service', { state: 'inactive', ours: false, conditionsHold: false }],
      ['never.service', { state: 'inactive', ours: false, conditionsHold: true }],
      ['failed.service', { state: 'failed', ours: false, conditionsHold: true }]
    ]
  )
})

t.test('the states of a plain list', async (t) => {
  const text =
    'web.service  loaded active running A web server\n  x.mount  not-found inactive dead x.mount\n\n'
  t.same(
    [...readUnitStates(text)].map(([unit, { state, ours }]) => [unit, state, ours]),
    [
      ['web.service', 'active', false],
      ['x.mount', 'inactive', false]
    ]
  )
})

t.test('any text is read', async () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      (text) => readLoadedUnits(text).size + readUnitStates(text).size >= 0
    )
  )
})
