import t from 'tap'
import { parseChecks } from '../../../../agent/config/checks.ts'
import type { Contained, World } from '../../../../agent/health/kinds/kind.ts'
import { kinds } from '../../../../agent/health/kinds/kinds.ts'
import { judgeUserUnits } from '../../../../agent/health/kinds/user-units.ts'
import type { BoundedResult } from '../../../../shared/command.ts'

const places = { stateDirectory: '/var/lib/belay', bootDirectory: '/boot' }
const ran = (stdout: string, more: Partial<BoundedResult> = {}): BoundedResult => ({
  ...{ code: 0, stdout, stderr: '', ended: 'exited' },
  ...more
})
const asked = { user: 'alice', units: ['web.service'], ignore: ['flaky.service'] }
const shown = (state: string, id = 'web.service') =>
  `Id=${id}\nLoadState=loaded\nActiveState=${state}\nSubState=x\nResult=success\n`
const failed = (...units: readonly string[]) => `${JSON.stringify(units.map((unit) => ({ unit })))}\n`

t.test('nothing has failed, and what is named is active', async (t) => {
  t.match(judgeUserUnits(ran(`${failed()}\n\n${shown('active')}`), asked), { result: 'pass' })
  t.match(judgeUserUnits(ran(failed('flaky.service')), { ...asked, units: [] }), { result: 'pass', value: 0 })
  t.match(judgeUserUnits(ran(`${failed('db.service', 'flaky.service')}\n\n${shown('active')}`), asked), {
    ...{ result: 'fail', value: 1, message: 'failed: db.service' }
  })
  t.match(judgeUserUnits(ran(`${failed()}\n\n${shown('inactive')}`), asked), {
    ...{ result: 'fail', message: /web\.service is inactive/ }
  })
})

t.test('what cannot be told is unknown', async (t) => {
  t.match(judgeUserUnits(ran('', { code: 75 }), asked), { result: 'unknown', message: /not logged in/ })
  t.match(judgeUserUnits(ran('', { code: 217, stderr: 'no such user' }), asked), {
    ...{ result: 'unknown', message: /exit code 217.*no such user/ }
  })
  t.match(judgeUserUnits(ran('', { code: null, ended: 'flood' }), asked), { message: /flood/ })
  t.match(judgeUserUnits(ran(failed()), asked), { result: 'unknown', message: /0 units, not 1/ })
  t.throws(() => judgeUserUnits(ran('not json'), asked))
})

t.test('it is asked as the user, and names are no options', async (t) => {
  const check = { kind: 'user-units', user: 'alice', units: ['web.service'] }
  const [setting] = parseChecks({ x: check }, places)
  const seen: { argv: readonly string[]; how: Contained }[] = []
  const runContained = async (argv: readonly string[], how: Contained) => {
    seen.push({ argv, how })
    return ran(`${failed()}\n\n${shown('active')}`)
  }
  const measure = kinds['user-units'].begin(setting?.options)
  t.match(await measure({ runContained } as unknown as World), { result: 'pass' })
  t.match(seen, [{ argv: ['sh', '-c', /--user/, 'sh', 'web.service'], how: { user: 'alice' } }])
  for (const bad of [{ user: '-x' }, { user: 'alice', units: ['--now'] }, {}])
    t.throws(() => parseChecks({ x: { kind: 'user-units', ...bad } }, places), { code: 'invalid-config' })
})
