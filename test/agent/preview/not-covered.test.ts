import t from 'tap'
import { notCovered } from '../../../agent/preview/not-covered.ts'
import type { PackageChange } from '../../../shared/api/plan.ts'
import { plan } from '../../shared/plans.ts'

const codes = (given: Parameters<typeof plan>[0]) => notCovered(plan(given)).map(({ code }) => code)
const upgraded: PackageChange = {
  name: 'a',
  change: 'upgraded',
  before: ['1'],
  after: ['2'],
  bytesBefore: 1,
  bytesAfter: 1
}
const restarted = {
  unit: 'a.service',
  change: 'changed',
  action: 'none',
  whenRunning: 'restart',
  reason: ''
} as const

t.test('limits of the rollback are named where they are', async (t) => {
  t.same(codes({}), [])
  t.same(codes({ packages: [upgraded] }), [], 'nothing runs in another version')
  t.same(codes({ packages: [{ ...upgraded, change: 'rebuilt' }], services: [restarted] }), [])
  t.same(
    codes({ packages: [upgraded], services: [restarted] }),
    ['data'],
    'whether it runs at this moment or not'
  )
  const causes = [{ what: 'kernel', from: 'a', to: 'b' }]
  t.same(codes({ reboot: { required: false, recommended: true, causes } }), ['kernel'])
  t.same(codes({ secrets: [{ name: 'db', change: 'added', what: [], units: [] }] }), ['secrets'])
})
