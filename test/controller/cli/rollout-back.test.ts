import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseApproval } from '../../../shared/approval.ts'
import { keyRing } from '../../agent/security/keys.ts'
import { storePath } from '../fakes/fleet-host.ts'
import { operator, plain, staged } from './operator.ts'

t.test('back to the recorded baseline, as a rollout of its own, and not twice', async (t) => {
  const { rollout, agent } = operator(t)
  t.match(await rollout('rollback', '--reason', 'x'), { code: 2, err: /there has been no rollout yet/ })
  t.match(await rollout('rollback'), { code: 2, err: /--reason/ })
  t.match(await rollout('start'), { code: 0 })
  const first = JSON.parse((await rollout('status', '--json')).out)
  const done = first.records.find(({ event }: { event: { kind: string } }) => event.kind === 'done')
  t.equal(done.event.baseline, storePath('a'))
  await rollout('rollback', '--reason', 'pages are slow', '--wait', '0s')
  t.match(agent.seen.starts[1], {
    key: /^rollout\/r-[0-9a-f]{12}\/cinnabar\/1$/,
    body: { storePath: storePath('a'), outsideWindow: true }
  })
  t.notOk('planHash' in (agent.seen.starts[1]?.body ?? {}))
  const back = JSON.parse((await rollout('status', '--json')).out)
  t.match(back.plan, { rollbackOf: first.plan.id, note: 'pages are slow' })
  t.match(back.records[0], { why: 'pages are slow', event: { kind: 'created' } })
  await rollout('rollback', '--reason', 'again', '--wait', '0s')
  t.match(
    JSON.parse((await rollout('status', '--json')).out),
    { plan: { id: back.plan.id } },
    'the same goes on'
  )
})

t.test('what cannot be taken back is refused', async (t) => {
  const { rollout, directory } = operator(t, plain + staged)
  await rollout('start')
  t.match(await rollout('rollback', '--reason', 'x'), { code: 2, err: /has moved no host/ })
  const { plan } = JSON.parse((await rollout('status', '--json')).out)
  await rollout('start', '--supersede', '--no-build', '--path', `cinnabar=${storePath('c')}`)
  t.match(await rollout('rollback', '--rollout', plan.id, '--reason', 'x'), {
    code: 2,
    err: /came after .*: hosts run what that one brought/
  })
  t.match(await rollout('rollback', '--rollout', 'r-0', '--reason', 'x'), {
    code: 2,
    err: /no rollout "r-0"/
  })
  t.match(await rollout('rollback', '--host', 'argon', '--reason', 'x'), {
    code: 2,
    err: /has no host "argon"/
  })
  rmSync(join(directory, 'state'), { recursive: true })
})

t.test('a host that is under way ends first', async (t) => {
  const { rollout } = operator(t, plain, { before: ['accepted', 'fetching', 'stuck'] })
  await rollout('start', '--wait', '0s')
  const { out, err } = await rollout('rollback', '--reason', 'x')
  t.match(err + out, /under way|has moved no host/)
})

t.test('a stage is signed host by host, with what its plan says', async (t) => {
  const { rollout, agent, directory } = operator(t, plain + staged)
  const ring = keyRing(directory)
  ring.make('alice')
  await rollout('start')
  const waiting = JSON.parse((await rollout('status', '--json')).out)
  const { planHash } = waiting.plan.hosts[0]
  t.match(waiting.hosts[0].reason, { code: 'waiting-for-approval', text: new RegExp(planHash) })
  const approve = (...more: string[]) =>
    rollout('approve', 'all', '--sign', '--key', ring.file('alice'), ...more)
  const signed = await approve()
  t.match(signed, { code: 0, err: /You approve that cinnabar activates/, out: /cinnabar {2}signed plan / })
  t.match(parseApproval(agent.seen.approvals[0] ?? '').statement, {
    host: 'cinnabar',
    storePath: storePath('b'),
    planHash,
    mode: 'switch',
    confirm: 'connection',
    revision: waiting.plan.revision
  })
  const { records } = JSON.parse((await rollout('status', '--json')).out)
  t.match(records.slice(-1), [{ event: { kind: 'approved', stage: 'all', hosts: ['cinnabar'] } }])
  await rollout('start')
  t.match(agent.seen.starts, [{ body: { planHash, revision: waiting.plan.revision } }])
})

t.test('who cannot be signed for is told, and the exit code says so', async (t) => {
  const { rollout, down, directory } = operator(t, plain + staged)
  const ring = keyRing(directory)
  ring.make('alice')
  await rollout('start')
  down.add('cinnabar')
  const said = await rollout('approve', 'all', '--sign', '--key', ring.file('alice'))
  t.match(said, { code: 1, out: /cinnabar {2}not signed: .*no route/ })
})

t.test('a host without a signature waits for a person, and harms nobody', async (t) => {
  const { rollout } = operator(t, plain, {
    starts: Array.from({ length: 20 }, () => ({ status: 403, code: 'approval-missing' }))
  })
  const { code, out } = await rollout('start', '--wait', '0s')
  t.equal(code, 5)
  t.match(out, /waiting-for-approval .*because of approval-missing; its plan is [0-9a-f]{64}/)
})

t.test('a host is held and released from here, with who and why', async (t) => {
  const { belay, agent } = operator(t)
  t.match(await belay('hold', 'cinnabar'), { code: 2, err: /--reason/ })
  t.match(await belay('hold', 'cinnabar', '--reason', 'she travels'), {
    code: 0,
    out: /is on hold: she travels \(.+@/
  })
  t.match(await belay('release', 'cinnabar', '--reason', 'she is back'), {
    code: 0,
    out: /cinnabar was not on hold/
  })
  t.match(agent.seen.holds, [/^PUT she travels \(/, /^DELETE she is back \(/])
  t.match(await belay('hold', 'argon', '--reason', 'x'), { code: 2 })
})
