import fc from 'fast-check'
import t from 'tap'
import { isIrreversible, planDifference } from '../../shared/plan-difference.ts'

const plan = {
  hash: '1',
  at: 'yesterday',
  from: '/nix/store/a',
  packages: [{ name: 'openssh', change: 'upgraded', before: ['9.8'], after: ['9.9'], bytesAfter: 1 }],
  services: [{ unit: 'sshd.service', change: 'changed', action: 'restart' }],
  reboot: { required: false, recommended: false, causes: [] },
  notCovered: []
}

t.test('what matters is named, with what was approved and what is now', async (t) => {
  const now = {
    ...plan,
    hash: '2',
    from: '/nix/store/b',
    packages: [
      { name: 'openssh', change: 'upgraded', before: ['9.8'], after: ['10.0'] },
      { name: 'curl', change: 'added', before: [], after: ['8.0'] }
    ],
    services: [],
    reboot: { required: true, recommended: false, causes: [{ what: 'kernel', from: '6.1', to: '6.2' }] }
  }
  t.same(planDifference(plan, now), [
    'from: approved /nix/store/a, now /nix/store/b',
    'packages curl: approved nothing, now added',
    'packages openssh after 10.0: approved nothing, now 10.0',
    'packages openssh after 9.9: approved 9.9, now nothing',
    'reboot causes kernel: approved nothing, now {"what":"kernel","from":"6.1","to":"6.2"}',
    'reboot required: approved false, now true',
    'services sshd.service: approved changed, now nothing'
  ])
  t.same(planDifference(plan, now, 1).at(-1), 'and 6 more')
})

t.test('what is not part of the hash is no difference', async (t) => {
  const now = {
    ...plan,
    hash: '2',
    at: 'today',
    packages: plan.packages.map((p) => ({ ...p, bytesAfter: 2 })),
    services: plan.services.map((s) => ({ ...s, action: 'none' }))
  }
  t.same(planDifference(plan, now), [])
})

t.test('a value never differs from itself, and any two values can be compared', async (t) => {
  const same = fc.property(
    fc.jsonValue(),
    (value) => planDifference(value, structuredClone(value)).length === 0
  )
  const any = fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => planDifference(a, b).length <= 13)
  t.doesNotThrow(() => fc.assert(same))
  t.doesNotThrow(() => fc.assert(any))
})

t.test('irreversible is what needs a reboot or is not covered by a rollback', async (t) => {
  const still = { reboot: { required: false, recommended: false, causes: [] }, notCovered: [] }
  t.notOk(isIrreversible(still))
  t.ok(isIrreversible({ ...still, reboot: { required: true, recommended: false, causes: [] } }))
  t.ok(isIrreversible({ ...still, reboot: { required: false, recommended: true, causes: [] } }))
  t.ok(isIrreversible({ ...still, notCovered: [{ code: 'data', text: '' }] }))
})
