import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { assertApproved, assertSigned } from '../../../agent/security/require-approval.ts'
import { assertNewer, passRevision, readPassed } from '../../../agent/security/revision.ts'
import { approvalTime } from '../../../shared/approval.ts'
import { host, skip } from './host.ts'
import { path } from './keys.ts'

const policy = { revision: 'required' }
const older = { code: 'approval-older' }
const passedIn = (dir: string) => JSON.parse(readFileSync(join(dir, 'state/approved-revision.json'), 'utf8'))

t.test('rollback attack: a revision is used once, and nothing below it ever again', { skip }, async (t) => {
  const h = host(t, policy)
  await h.receive('alice', { revision: 5 })
  await h.receive('alice', { revision: 7 })
  await h.receive('alice', { revision: 7 })
  await h.use('one', { revision: 7 })
  t.match(passedIn(h.dir), { revision: 7, operation: 'one' })
  await t.rejects(h.use('two', { revision: 5 }), { ...older, found: 5, wanted: /above 7/ })
  const target = { number: null, storePath: path('c') }
  await t.rejects(h.use('two', { revision: 7, target }), older, 'one revision is one content')
  await h.use('one', { revision: 7 })
  t.match(passedIn(h.dir), { revision: 7 }, 'who was cut off goes on')
  await h.receive('alice', { revision: 8 })
  await h.use('two', { revision: 8 })
  t.match(passedIn(h.dir), { revision: 8, operation: 'two' })
  await t.rejects(h.use('three', { revision: 8 }), { code: 'approval-used' })
  await h.receive('bob', { revision: 8 })
  await h.use('three', { revision: 8 })
  t.match(passedIn(h.dir), { operation: 'two' }, 'a retry is signed again, and passes nothing')
})

t.test(
  'arbitrary software: no approval, or one without a revision, activates nothing',
  { skip },
  async (t) => {
    const h = host(t, policy)
    await t.rejects(h.use('op'), { code: 'approval-missing' })
    await t.rejects(h.use('op', { revision: 1 }), { code: 'approval-missing' })
    await t.rejects(h.receive('alice'), { code: 'approval-wrong-revision', found: null })
    await t.rejects(h.receive('mallory', { revision: 1 }), { code: 'approval-unknown-key' })
    const lax = host(t)
    await lax.receive('alice')
    Object.assign(lax.settings.approval, policy)
    await t.rejects(
      lax.use('op', { revision: 1 }),
      { code: 'approval-wrong-revision', message: /names no revision/ },
      'handed in before the policy was there'
    )
    await t.rejects(lax.use('op'), { code: 'approval-wrong-revision' })
  }
)

t.test('mix-and-match and wrong host: each part of a statement is of one activation', { skip }, async (t) => {
  const h = host(t, policy)
  await t.rejects(h.receive('alice', { revision: 1, host: 'electrum' }), { code: 'approval-wrong-host' })
  await t.rejects(h.receive('alice', { revision: 1, profile: 'home:ada' }), {
    code: 'approval-wrong-profile'
  })
  await t.rejects(h.receive('alice', { revision: 1, planHash: '0'.repeat(64) }), {
    code: 'approval-wrong-plan'
  })
  await h.receive('alice', { revision: 1 })
  const target = { number: null, storePath: path('c') }
  await t.rejects(h.use('op', { revision: 1, target }), { code: 'approval-wrong-path' })
  await t.rejects(h.use('op', { revision: 2 }), { code: 'approval-wrong-revision' })
  await t.rejects(h.use('op', { revision: 1, mode: 'boot' }), { code: 'approval-wrong-mode' })
  await h.use('op', { revision: 1 })
})

t.test('freeze: a statement ends, also one that was kept back for its day', { skip }, async (t) => {
  const h = host(t, policy)
  await h.receive('alice', { revision: 1, expiresAt: approvalTime(h.now.ms + 60_000) })
  h.now.ms += 61_000
  await t.rejects(h.use('op', { revision: 1 }), { code: 'approval-expired' })
  t.equal(await readPassed(h.settings.stateDirectory, 'system'), null, 'what was refused has passed nothing')
})

t.test('TOCTOU: a plan that changes between the admission and the use is refused', { skip }, async (t) => {
  const h = host(t, policy)
  await h.receive('alice', { revision: 1 })
  const request = { storePath: path('b'), revision: 1, confirm: { by: 'health' as const, windowSeconds: 60 } }
  const options = { settings: h.settings, nowMs: () => h.now.ms, preview: async () => h.now.plan }
  await assertApproved(request, options)
  h.now.plan = { ...h.now.plan, hash: '1'.repeat(64) }
  await t.rejects(h.use('op', { revision: 1 }), { code: 'approval-wrong-plan' })
})

t.test('a newer desired state keeps back what was admitted under an older revision', { skip }, async (t) => {
  const h = host(t, { required: 'never' })
  const desired = {
    ...{ profile: 'system', storePath: path('c'), revision: 9, confirm: { by: 'health', windowSeconds: 60 } },
    ...{ receivedAt: '2026-01-01T00:00:00Z', principal: 'operate socket', withdrawn: null }
  }
  writeFileSync(join(h.dir, 'state/desired.json'), JSON.stringify({ desired, after: null }))
  await t.rejects(h.use('op', { revision: 8 }), { code: 'desired-older' })
  await h.use('op', { revision: 9 })
  await h.use('op')
})

t.test('a file of revisions that cannot be read lets nothing pass', { skip }, async (t) => {
  const h = host(t, policy)
  await h.receive('alice', { revision: 1 })
  const file = join(h.dir, 'state/approved-revision.json')
  for (const text of ['', '{', '{"revision":"7"}', '{"revision":1,"storePath":"","operation":"","at":"x"}']) {
    writeFileSync(file, text)
    await t.rejects(h.use('op', { revision: 1 }), { code: 'journal-corrupt', at: file })
  }
})

t.test('each profile has its own, and none goes down', async (t) => {
  const dir = t.testdir({})
  const of = (revision: number) => ({
    ...{ revision, storePath: path('b'), operation: `op${revision}`, at: '2026-01-01T00:00:00Z' }
  })
  await passRevision(dir, 'system', of(7))
  await passRevision(dir, 'system', of(5))
  await passRevision(dir, 'home:ada', of(2))
  t.match(await readPassed(dir, 'system'), { revision: 7 })
  t.match(await readPassed(dir, 'home:ada'), { revision: 2 })
  assertNewer(null, 0, path('b'))
  assertNewer(of(7), 8, path('c'))
  assertNewer(of(7), 7, path('b'))
  for (const [revision, letter] of [
    [7, 'c'],
    [6, 'b'],
    [0, 'b']
  ] as const)
    t.throws(() => assertNewer(of(7), revision, path(letter)), older)
})

t.test('a desired state passes a revision only where somebody has signed it', { skip }, async (t) => {
  const h = host(t, { ...policy, approvers: 2 })
  const options = { settings: h.settings, nowMs: () => h.now.ms, preview: async () => h.now.plan }
  const wanted = (revision: number, letter = 'b') => ({
    ...{ profile: 'system' as const, storePath: path(letter), revision },
    confirm: { by: 'health' as const, windowSeconds: 60 }
  })
  await t.rejects(assertSigned(wanted(999_999), options), { code: 'approval-missing' })
  await h.receive('alice', { revision: 3 })
  await assertSigned(wanted(3), options)
  await t.rejects(assertSigned(wanted(4), options), { code: 'approval-wrong-revision' })
  await t.rejects(assertSigned(wanted(3, 'c'), options), { code: 'approval-wrong-path' })
  h.allow('bob')
  await t.rejects(assertSigned(wanted(3), options), { code: 'approval-unknown-key' }, 'whose key has gone')
  h.allow('alice', 'bob')
  const later = { ...options, nowMs: () => h.now.ms + 7_200_000 }
  await t.rejects(assertSigned(wanted(3), later), { code: 'approval-expired' })
  mkdirSync(join(h.dir, 'state'), { recursive: true })
  await passRevision(h.settings.stateDirectory, 'system', {
    revision: 4,
    storePath: path('b'),
    operation: 'x',
    at: '2026-01-01T00:00:00Z'
  })
  await t.rejects(assertSigned(wanted(3), options), older)
  Object.assign(h.settings.approval, { revision: 'optional' })
  await assertSigned(wanted(999_999), options)
})
