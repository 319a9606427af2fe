import { chmodSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { assertApproved } from '../../../agent/security/require-approval.ts'
import { approvalTime } from '../../../shared/approval.ts'
import { plan as planOf } from '../../shared/plans.ts'
import { host, plan, skip } from './host.ts'
import { path, signed } from './keys.ts'

const missing = { code: 'approval-missing' }

t.test(
  'an approval is good for one operation, and for that also after its runner died',
  { skip },
  async (t) => {
    const h = host(t)
    await t.rejects(h.use('one'), missing)
    t.equal(h.now.previews, 0, 'no plan is made where nothing could come of it')
    await h.receive('alice')
    await t.rejects(h.use('one', {}, true), { message: 'killed' }, 'dies behind the use, before it is told')
    await t.rejects(h.use('two'), { code: 'approval-used', message: /used by operation one/ })
    h.now.ms += 7_200_000
    await h.use('one')
    await h.use('one')
    t.same(h.used(), ['alice@example.org'], 'it has expired meanwhile, and is told once')
    await t.rejects(h.use('two'), { code: 'approval-used' })
  }
)

t.test('of two operations at once one has it', { skip }, async (t) => {
  const h = host(t)
  await h.receive('alice')
  const ends = await Promise.allSettled(['one', 'two', 'three', 'four'].map((id) => h.use(id)))
  t.same(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected', 'rejected'])
  for (const end of ends) if (end.status === 'rejected') t.match(end.reason, { code: 'approval-used' })
})

t.test('the policy says when one is needed', { skip }, async (t) => {
  const never = host(t, { required: 'never' })
  await never.use('op')
  t.equal(never.now.previews, 0, 'nothing is computed for nothing')
  const sometimes = host(t, { required: 'irreversible' })
  const now = { from: path('a'), to: path('b') }
  await sometimes.use('op')
  for (const reboot of [
    { required: true, recommended: false },
    { required: false, recommended: true }
  ]) {
    sometimes.now.plan = planOf({ ...now, reboot: { ...reboot, causes: [] } })
    await t.rejects(sometimes.use('op'), missing)
  }
  sometimes.now.plan = planOf({ ...now, notCovered: [{ code: 'data', text: '' }] })
  await t.rejects(sometimes.use('op'), missing)
  await sometimes.receive('alice', { planHash: sometimes.now.plan.hash })
  await sometimes.use('op')
})

t.test('several approvers are several people with several keys', { skip }, async (t) => {
  const h = host(t, { approvers: 2 })
  const few = { code: 'approval-too-few', found: 1, wanted: 2 }
  await h.receive('alice')
  await t.rejects(h.use('op'), few)
  await h.receive('alice')
  await t.rejects(h.use('op'), few, 'one person twice')
  const [alice, bob] = [h.ring.publicKey('alice'), h.ring.publicKey('bob')]
  const signers = (...lines: string[]) => writeFileSync(join(h.dir, 'signers'), `${lines.join('\n')}\n`)
  signers(`alice@example.org ${alice}`, `alice@example.org ${bob}`)
  await h.receive('bob')
  await t.rejects(h.use('op'), few, 'one person with two keys')
  signers(`alice@example.org,bob@example.org ${alice}`, `carol@example.org ${alice}`)
  await t.rejects(h.use('op'), few, 'one key with three names')
  t.match(await h.approvals.list(), [{ state: 'waiting' }, { state: 'waiting' }, { state: 'waiting' }])
  signers(`alice@example.org ${alice}`, `bob@example.org ${bob}`)
  await h.use('op')
  t.same(h.used().sort(), ['alice@example.org', 'bob@example.org'])
  t.equal((await h.approvals.list()).filter(({ state }) => state === 'used').length, 2, 'no more than needed')
})

t.test('what does not fit is refused, and the nearest is told', { skip }, async (t) => {
  const h = host(t)
  await h.receive('alice', { revision: 7 })
  await t.rejects(h.use('op'), { code: 'approval-wrong-revision', found: 7, wanted: null })
  await t.rejects(h.use('op', { revision: 8 }), { code: 'approval-wrong-revision' })
  const elsewhere = { target: { number: null, storePath: path('c') }, revision: 7 }
  await t.rejects(h.use('op', elsewhere), {
    code: 'approval-wrong-path',
    found: path('b'),
    wanted: path('c')
  })
  await t.rejects(h.use('op', { revision: 7, mode: 'boot' }), {
    code: 'approval-wrong-mode',
    found: 'switch',
    wanted: 'boot'
  })
  await t.rejects(h.use('op', { revision: 7, confirm: { by: 'connection', windowSeconds: 60 } }), {
    code: 'approval-wrong-confirm',
    found: 'health'
  })
  await h.use('op', { revision: 7 })
  await t.rejects(h.use('op2', elsewhere), missing, 'used, and of another path: it says nothing')
  await h.receive('alice', { expiresAt: approvalTime(h.now.ms + 60_000) })
  h.now.ms += 61_000
  await t.rejects(h.use('op2'), { code: 'approval-expired' })
})

t.test('nothing is believed that was true when it came in', { skip }, async (t) => {
  const h = host(t)
  const file = join(h.dir, 'signers')
  await h.receive('alice')
  h.allow('bob')
  await t.rejects(h.use('op'), { code: 'approval-unknown-key' })
  h.allow('alice')
  for (const mode of [0o666, 0o664]) {
    chmodSync(file, mode)
    await t.rejects(h.use('op'), { code: 'approval-signers-unsafe', at: file })
  }
  chmodSync(file, 0o644)
  renameSync(file, `${file}.gone`)
  await t.rejects(h.use('op'), { code: 'approval-signers-unsafe' })
  renameSync(`${file}.gone`, file)
  const krl = host(t, { revokedKeysFile: join(h.dir, 'krl') })
  await t.rejects(
    krl.receive('alice'),
    { code: 'approval-signers-unsafe' },
    'a list that is named must be there'
  )
  await h.use('op')
})

t.test('nothing in the directory approves but what is signed', { skip }, async (t) => {
  const h = host(t)
  const { id } = await h.receive('alice')
  const at = (name: string) => join(h.dir, 'state/approvals', name)
  const text = readFileSync(at(`${id}.json`), 'utf8')
  const restore = () => writeFileSync(at(`${id}.json`), text, { mode: 0o600 })

  const other = `${'f'.repeat(32)}.json`
  writeFileSync(at(other), text)
  await h.use('one')
  await t.rejects(h.use('two'), { code: 'approval-used' }, 'a copy under another name')
  writeFileSync(at(other), text.replaceAll(id, 'f'.repeat(32)))
  await t.rejects(h.use('two'), { code: 'approval-bad-signature' }, 'the same with another identity')

  const fresh = host(t)
  const kept = await fresh.receive('alice')
  const theirs = join(fresh.dir, 'state/approvals', `${kept.id}.json`)
  renameSync(theirs, join(fresh.dir, 'elsewhere.json'))
  symlinkSync(join(fresh.dir, 'elsewhere.json'), theirs)
  await t.rejects(fresh.use('op'), missing, 'a link is not followed')
  t.same(await fresh.approvals.list(), [])

  const forged = {
    approval: signed(h.ring, 'mallory').document,
    receivedAt: '',
    seen: { principal: 'alice@example.org', key: '' }
  }
  const mallory = host(t)
  mallory.allow('alice')
  await mallory.receive('alice', { storePath: path('c') })
  const forgedId = /id: (\w+)/.exec(forged.approval)?.[1]
  writeFileSync(join(mallory.dir, 'state/approvals', `${forgedId}.json`), JSON.stringify(forged), {
    mode: 0o600
  })
  await t.rejects(mallory.use('op'), { code: 'approval-unknown-key' }, 'whoever it says it is by')

  restore()
  rmSync(at(other))
  writeFileSync(at(`${id}.spent.json`), '')
  await t.rejects(h.use('two'), missing, 'what ended it cannot be read: it is not free again')
})

t.test('the caller hears at once what the runner would say', { skip }, async (t) => {
  const h = host(t)
  const options = { settings: h.settings, nowMs: () => h.now.ms, preview: async () => plan }
  await t.rejects(assertApproved({ storePath: path('b') }, options), missing)
  await h.receive('alice')
  await t.rejects(assertApproved({ storePath: path('b') }, options), { code: 'approval-wrong-confirm' })
  const confirm = { by: 'health' as const, windowSeconds: 60 }
  await assertApproved({ storePath: path('b'), confirm }, options)
  t.match(await h.approvals.list(), [{ state: 'waiting' }], 'and uses nothing')
})
