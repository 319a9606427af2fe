import t from 'tap'
import { integratedUnit, judgeUnit } from '../../../../agent/platform/home/integrated.ts'

t.test('the unit of a user', async (t) => {
  t.equal(integratedUnit('alice'), 'home-manager-alice.service')
  t.equal(integratedUnit('al-ice'), 'home-manager-al\\x2dice.service')
})

t.test('a home is a part of the system where there is such a unit, whatever it is in', async (t) => {
  const shown = (load: string, active: string) =>
    `LoadState=${load}\nActiveState=${active}\nSubState=dead\nResult=exit-code\n`
  t.equal(judgeUnit('u', shown('not-found', 'inactive')), null)
  t.same(judgeUnit('u', shown('loaded', 'active')), { unit: 'u', problem: null })
  t.match(judgeUnit('u', shown('loaded', 'failed')), { problem: 'u is failed (dead, exit-code)' })
  t.match(judgeUnit('u', shown('bad-setting', 'inactive')), { unit: 'u', problem: /inactive/ })
})
