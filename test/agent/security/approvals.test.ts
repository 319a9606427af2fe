import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAX_APPROVALS } from '../../../agent/security/approval-store.ts'
import { approvalTime } from '../../../shared/approval.ts'
import { plan as planOf } from '../../shared/plans.ts'
import { host, skip } from './host.ts'
import { path, signed, statement } from './keys.ts'

const day = 86_400_000

t.test(
  'a signed approval is kept, with the plan, and the same one again is the same',
  { skip },
  async (t) => {
    const h = host(t)
    const { document } = signed(h.ring, 'alice')
    const [one, two] = await Promise.all([h.approvals.receive(document), h.approvals.receive(document)])
    t.same(one, two)
    t.match(one, { state: 'waiting', principal: 'alice@example.org', approval: document })
    t.same(await h.approvals.list(), [one])
    t.ok(existsSync(join(h.dir, 'state/approvals', `${one.id}.plan.json`)))
  }
)

t.test('what comes in wrong is refused, and nothing is kept', { skip }, async (t) => {
  const h = host(t)
  const ms = h.now.ms
  const cases: [string, string, object][] = [
    ['approval-unknown-key', 'mallory', {}],
    ['approval-wrong-host', 'alice', { host: 'electrum' }],
    ['approval-wrong-profile', 'alice', { profile: 'home' }],
    ['approval-wrong-plan', 'alice', { planHash: 'b'.repeat(64) }],
    ['approval-expired', 'alice', { issuedAt: approvalTime(ms - 5000), expiresAt: approvalTime(ms - 1000) }],
    [
      'approval-expired',
      'alice',
      { issuedAt: approvalTime(ms - 8 * day), expiresAt: approvalTime(ms + day) }
    ],
    [
      'approval-not-yet-valid',
      'alice',
      { issuedAt: approvalTime(ms + 400_000), expiresAt: approvalTime(ms + day) }
    ]
  ]
  for (const [code, by, change] of cases) await t.rejects(h.receive(by, change), { code }, code)
  await t.rejects(h.approvals.receive('yes'), { code: 'approval-malformed' })
  t.same(await h.approvals.list(), [])
  t.equal(h.now.previews, 1, 'no plan is made for what is not signed by somebody who may')
})

t.test('an identity is one approval, whoever signs it', { skip }, async (t) => {
  const h = host(t)
  const what = statement()
  await h.approvals.receive(signed(h.ring, 'alice', what).document)
  const other = signed(h.ring, 'bob', what).document
  await t.rejects(h.approvals.receive(other), { code: 'idempotency-conflict' })
  t.match(await h.approvals.list(), [{ principal: 'alice@example.org' }])
})

t.test('one that is not used can be taken back, once and for all', { skip }, async (t) => {
  const h = host(t)
  const { id } = await h.receive('alice')
  t.match(await h.approvals.revoke(id, 'wrong host', 'operate socket'), {
    state: 'revoked',
    reason: 'wrong host'
  })
  t.match(await h.approvals.revoke(id, 'again', 'operate socket'), { state: 'revoked', reason: 'wrong host' })
  await t.rejects(h.use('op'), { code: 'approval-revoked', message: /wrong host/ })
  const { document } = signed(h.ring, 'alice')
  t.match(await h.approvals.receive(document), { state: 'waiting' }, 'another one still counts')
  await h.use('op')
  const used = (await h.approvals.list()).find(({ state }) => state === 'used')
  await t.rejects(h.approvals.revoke(used?.id ?? '', 'too late', 'x'), { code: 'approval-used' })
  await t.rejects(h.approvals.revoke('0'.repeat(32), 'x', 'x'), { code: 'approval-unknown' })
})

t.test('they are bounded in number, and forgotten long after their end', { skip }, async (t) => {
  const h = host(t)
  const { id } = await h.receive('alice')
  const file = (n: number) => join(h.dir, 'state/approvals', `e${n.toString(16).padStart(31, '0')}.json`)
  for (let n = 1; n < MAX_APPROVALS; n++) writeFileSync(file(n), '{}')
  await t.rejects(h.receive('alice'), { code: 'approval-too-many' })
  for (let n = 1; n < MAX_APPROVALS; n++) rmSync(file(n))
  h.now.ms += 30 * day
  await h.receive('alice')
  t.ok(existsSync(join(h.dir, 'state/approvals', `${id}.json`)), 'not yet')
  h.now.ms += 2 * day
  await h.receive('alice')
  t.same(
    readdirSync(join(h.dir, 'state/approvals')).filter((name) => name.includes(id)),
    []
  )
})

t.test('what a plan has changed in is named', { skip }, async (t) => {
  const h = host(t)
  await h.receive('alice')
  h.now.plan = planOf({ from: path('c'), to: path('b') })
  const message = `the plan is not the one that was approved: from: approved ${path('a')}, now ${path('c')}`
  await t.rejects(h.use('op'), { code: 'approval-wrong-plan', message })
})
