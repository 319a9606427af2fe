import t from 'tap'
import { eventually, startController } from './daemon.ts'

const staged = `version: 1
rollout: { stages: [{ name: all, select: {}, approval: true }] }
hosts: { cinnabar: {} }
`

interface Detail {
  readonly id: string
  readonly status: { readonly is: string; readonly needs: string | null }
  readonly hosts: readonly { readonly host: string; readonly reason: { readonly code: string } | null }[]
  readonly driving: boolean
}

t.test('a plan is started, approved and driven to its end; the audit says by whom', async (t) => {
  const d = await startController(t, { fleet: staged })
  const current = () => d.call<Detail>('observe', 'GET', '/v1/rollouts/current')
  await t.rejects(current(), { code: 'rollout-unknown' })
  const plan = await d.plan()
  const started = await d.call<{ id: string }>(
    'operate',
    'POST',
    '/v1/rollouts',
    { plan, reason: 'flake update' },
    { 'belay-operator': encodeURIComponent('änna@stibnite\u001b[31m') }
  )
  t.equal(started.id, plan.id)
  t.match(await d.call('operate', 'POST', '/v1/rollouts', { plan }), { id: plan.id }, 'the same is the same')
  const waits = await eventually(async () => {
    const now = await current()
    return now.hosts[0]?.reason?.code === 'waiting-for-approval' ? now : null
  }, 'it waits for approval')
  t.match(waits, { status: { is: 'waiting', needs: 'person' }, driving: true })
  t.same(d.agentOf('cinnabar').seen.starts, [])
  await t.rejects(d.call('approve', 'POST', '/v1/rollouts/current/approve', { target: 'al' }), {
    code: 'invalid-request',
    message: /Did you mean all\?/
  })
  await d.call('approve', 'POST', '/v1/rollouts/current/approve', { target: 'all', reason: 'read it' })
  await eventually(async () => (await current()).status.is === 'done', 'it ends')
  t.equal(d.agentOf('cinnabar').seen.starts.length, 1)
  await t.rejects(d.call('operate', 'POST', '/v1/rollouts/current/pause', {}), { code: 'rollout-ended' })
  t.match(await d.call('observe', 'GET', `/v1/rollouts/${plan.id}/plan`), { id: plan.id })
  t.match(await d.call('operate', 'GET', '/v1/audit'), {
    entries: [
      {
        action: 'rollout approved',
        subject: `${plan.id} all`,
        principal: 'approve socket',
        reason: 'read it'
      },
      {
        action: 'rollout created',
        role: 'operate',
        transport: 'socket',
        principal: 'änna@stibnite by the operate socket',
        request: /^[0-9a-f-]{36}$/,
        reason: 'flake update'
      }
    ]
  })
})

t.test('who may propose starts nothing; who may approve starts what was proposed', async (t) => {
  const d = await startController(t, { fleet: staged })
  const plan = await d.plan()
  await t.rejects(d.call('propose', 'POST', '/v1/rollouts', { plan }), { code: 'role-too-low' })
  await t.rejects(d.call('approve', 'POST', '/v1/rollouts', { plan }), {
    code: 'role-too-low',
    wanted: 'operate'
  })
  await d.call('propose', 'POST', '/v1/proposals', { plan, reason: 'security update' })
  t.match(await d.call('observe', 'GET', '/v1/proposals'), { proposals: [{ plan: plan.id }] })
  t.match(await d.call('observe', 'GET', '/v1/rollouts'), { rollouts: [] })
  t.match(await d.call('approve', 'POST', '/v1/rollouts', { proposal: plan.id }), { id: plan.id })
  await t.rejects(d.call('approve', 'POST', '/v1/rollouts', { proposal: 'r-000000000000' }), {
    code: 'proposal-unknown'
  })
})

t.test('what is no plan of this fleet is refused, with its own code', async (t) => {
  const d = await startController(t, { fleet: staged })
  const plan = await d.plan()
  const start = (body: unknown) => d.call('operate', 'POST', '/v1/rollouts', body)
  await t.rejects(start({}), { code: 'invalid-request' })
  await t.rejects(start({ plan, dryRun: true }), { code: 'invalid-request', at: 'body/dryRun' })
  await t.rejects(start({ plan: { ...plan, maxParallel: 99 } }), { code: 'invalid-rollout' })
  await t.rejects(start({ plan: { ...plan, extra: 1 } }), { code: 'invalid-inventory' })
  await t.rejects(start({ plan: 'r-1' }), { code: 'invalid-inventory' })
  await start({ plan })
  const other = await d.plan('c')
  await t.rejects(start({ plan: other }), { code: 'rollout-active' })
  t.match(await start({ plan: other, supersede: true }), { id: other.id })
  await t.rejects(start({ plan, supersede: true }), { code: 'rollout-ended' })
})

t.test('a host that goes back halts it, and people hear of it once', async (t) => {
  const fleet = `version: 1
notify: { commands: { pager: { command: [page] } }, rollouts: [pager] }
hosts: { cinnabar: {} }
`
  const story = { before: ['activating', 'rolling-back', 'rolled-back'] } as const
  const d = await startController(t, { fleet, story })
  await d.call('operate', 'POST', '/v1/rollouts', { plan: await d.plan() })
  const halted = async () =>
    (await d.call<Detail>('observe', 'GET', '/v1/rollouts/current')).status.is === 'halted'
  await eventually(halted, 'it halts')
  const told = () =>
    d.ran.calls
      .filter(({ argv }) => argv[0] === 'page')
      .map(({ options }) => JSON.parse(String(options.input)))
  const about = (word: RegExp) => told().filter(({ title }) => word.test(title))
  await eventually(async () => about(/halted/).length > 0, 'the message')
  t.match(about(/halted/), [
    { title: /cinnabar is rolled-back/, priority: 'high', text: /belay rollout retry cinnabar/ }
  ])
  await d.end()
  await d.start()
  await eventually(halted, 'it is still halted')
  t.equal(about(/halted/).length, 1, 'not again after a restart')
  t.equal(d.agentOf('cinnabar').seen.starts.length, 1, 'and nothing is tried again')
})
